"""`python -m tsrnn` is the command `tsrnn`."""

import sys

from tsrnn.cli.main import main

sys.exit(main())
