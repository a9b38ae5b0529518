"""Arrays that are computed on access."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

import numpy as np


class OnAccess(Sequence[np.ndarray]):
    """A sequence of arrays, each computed when it is accessed; a slice is a list."""

    @abstractmethod
    def of(self, number: int) -> np.ndarray:
        """Compute one array. Raises IndexError past the end."""

    @overload
    def __getitem__(self, number: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, number: slice) -> list[np.ndarray]: ...
    def __getitem__(self, number: int | slice) -> np.ndarray | list[np.ndarray]:
        if isinstance(number, slice):
            return [self.of(each) for each in range(*number.indices(len(self)))]
        return self.of(number)
