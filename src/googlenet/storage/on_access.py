"""Arrays that are made when they are asked for."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

import numpy as np


class OnAccess(Sequence[np.ndarray]):
    """A sequence of arrays, each made on access by its number; a slice is a list."""

    @abstractmethod
    def of(self, number: int) -> np.ndarray:
        """Return one array. Raises IndexError beyond the last."""

    @overload
    def __getitem__(self, number: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, number: slice) -> list[np.ndarray]: ...
    def __getitem__(self, number: int | slice) -> np.ndarray | list[np.ndarray]:
        if isinstance(number, slice):
            return [self.of(each) for each in range(*number.indices(len(self)))]
        return self.of(number)
