"""All methods, in the order of the documentation."""

from softswitch.control.catalogue import Catalogue
from softswitch.control.methods import (
    altering,
    calls,
    caps,
    conference,
    configuration,
    connection,
    discover,
    events,
    hearing,
    lists,
    logs,
    monitor,
    numbers,
    originate,
    pools,
    results,
    status,
    steering,
    traces,
    trunks,
)

__all__ = ["all_methods"]

_SUBJECTS = (
    connection,
    status,
    discover,
    configuration,
    numbers,
    pools,
    trunks,
    events,
    calls,
    altering,
    steering,
    originate,
    lists,
    results,
    hearing,
    caps,
    conference,
    monitor,
    logs,
    traces,
)


def all_methods() -> Catalogue:
    """Every method there is."""
    catalogue = Catalogue()
    for subject in _SUBJECTS:
        catalogue.include(subject.METHODS)
    return catalogue
