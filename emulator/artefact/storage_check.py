"""Tensors of a TorchScript archive that would lie outside the bytes which it holds for them.

torch takes the word of the archive's pickle for their size. Nothing of the archive is run: its objects are read as
`_Anything`. The coupler does the same (coupler/src/backends/torchscript/plugin/storage_check.cpp).
"""

import io
import pickle
from typing import Any

STORAGES = {
    **dict.fromkeys(("ByteStorage", "CharStorage", "BoolStorage"), 1),
    **dict.fromkeys(("ShortStorage", "HalfStorage", "BFloat16Storage"), 2),
    **dict.fromkeys(("IntStorage", "FloatStorage"), 4),
    **dict.fromkeys(("LongStorage", "DoubleStorage", "ComplexFloatStorage"), 8),
    "ComplexDoubleStorage": 16,
}
"""Bytes of a number, by the name that pickles have for its type. Others are a fault."""


class _Anything:
    """What a pickle makes of its classes and functions: takes all and does nothing."""

    def __new__(cls, *_: Any) -> "_Anything":
        return super().__new__(cls)

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def extend(self, _: Any) -> None:
        """Take the parts of a list."""


class _Storages(pickle.Unpickler):
    """Reads a pickle for the storages of its tensors, whose sizes it compares with those of their entries."""

    def __init__(self, content: bytes, folder: str, sizes: dict[str, int]) -> None:
        super().__init__(io.BytesIO(content))
        self.folder, self.sizes, self.fault = folder, sizes, ""

    def find_class(self, module: str, name: str) -> Any:
        return STORAGES.get(name, _Anything) if module == "torch" else _Anything

    def persistent_load(self, identity: Any) -> _Anything:
        _, itemsize, key, _, count = identity
        entry = f"{self.folder}/{key}"
        size = self.sizes.get(entry, 0)
        if count * itemsize > size:
            self.fault = self.fault or f"{entry} has {size} bytes, not {count * itemsize}"
        return _Anything()


def short_storage(content: bytes, folder: str, sizes: dict[str, int]) -> str:
    """The first entry with fewer bytes than a pickle says of it, as in `data/3 has 24 bytes, not 1020`; "" if none.

    sizes: bytes of each entry. A pickle that cannot be read is a fault as well.
    """
    storages = _Storages(content, folder, sizes)
    try:
        storages.load()
    except Exception as error:
        return f"{folder}.pkl cannot be read ({error})"
    return storages.fault
