"""Has directories of a tree change places with the links beside them, until it is killed."""

import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
RENAME_EXCHANGE = 2
AT_FDCWD = -100

root = os.fsencode(sys.argv[1])
while True:
    for name in (b"a", b"b", b"c"):
        one, other = root + b"/" + name, root + b"/" + name + b".link"
        libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)
