"""A configuration that says only what it has of its own: its key `base` names the one that says the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jsonargparse import get_loader
from jsonargparse.typing import Path_fr
from pytorch_lightning.cli import LightningArgumentParser

from tsrnn.cli.sources.lineage import lineage

_load_yaml = get_loader("yaml")


class InheritingParser(LightningArgumentParser):
    """Lightning's parser, for which `base: other.yaml` in a file means `--config other.yaml` before the file.

    So there is one set of rules, jsonargparse's, for a base, for a second `--config` and for an option:
    mappings are joined key by key, and of two values the later is taken; a list is a value. Where the later
    file names another class, the arguments that the new class has too stay, and the others go.

    A base may have one of its own. Its path, like every path of a configuration to another, is relative to
    the file that it is in. Only a file that `--config` names can have a base; what the parser returns,
    and so what a run's folder keeps, has none.
    """

    def parse_path(self, path: Any, *arguments: Any, **settings: Any) -> Any:
        """Read a configuration's file, over its base.

        Raises:
            ConfigError: for a base that cannot be followed.
        """
        (first, _), *later = lineage(Path(path), _load_yaml)
        parsed = super().parse_path(str(first), *arguments, **settings)
        # Of what jsonargparse hands from one of its functions to the next, a mapping has no use for this.
        settings.pop("_fail_no_subcommand", None)
        for file, keys in later:
            with Path_fr(str(file)).relative_path_context():
                parsed = self.parse_object(keys, parsed, **settings)
        return parsed
