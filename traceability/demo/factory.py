"""The demo factory as it was built: what the seed does not change.

Two lines make inner layers of circuit boards by print and etch: copper is plated, a
dry film laminated on it, exposed, developed, and what stays bare is etched away. Which
kinds of defect a fault can leave follows from that chemistry.
"""

from __future__ import annotations

from dataclasses import dataclass

SITE = "PCB-1"
TIME_ZONE = "Asia/Shanghai"
DAYS = 30
HOURS = DAYS * 24.0


@dataclass(frozen=True)
class Parameter:
    """A reading of an operation; in specification within `target` ± `tolerance`."""

    code: str
    name: str
    unit_of_measure: str
    target: float
    tolerance: float


@dataclass(frozen=True)
class Operation:
    """A step of the route; starts `offset_hours` after the unit entered the line."""

    code: str
    name: str
    prefix: str
    offset_hours: float
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class Material:
    """What an operation consumes: every batch from one of `open_lots` lots at hand."""

    code: str
    name: str
    operation: str
    open_lots: int
    suppliers: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """A line, its camera, its crews, and how many machines each operation has there."""

    code: str
    name: str
    station: str
    number: int
    units: int
    machines: tuple[int, ...]
    crews: tuple[str, ...]


@dataclass(frozen=True)
class Product:
    code: str
    name: str


OPERATIONS = (
    Operation(
        "PLATING",
        "Copper plating",
        "PLT",
        0.0,
        (
            Parameter("current_density", "Current density", "A/dm²", 2.0, 0.4),
            Parameter("bath_temperature", "Bath temperature", "°C", 24.0, 2.0),
        ),
    ),
    Operation(
        "LAMINATION",
        "Dry film lamination",
        "LAM",
        1.5,
        (
            Parameter("roll_temperature", "Roll temperature", "°C", 110.0, 8.0),
            Parameter("roll_pressure", "Roll pressure", "bar", 3.5, 0.5),
        ),
    ),
    Operation(
        "EXPOSURE",
        "Exposure",
        "EXP",
        2.5,
        (
            Parameter("energy", "Exposure energy", "mJ/cm²", 80.0, 8.0),
            Parameter("vacuum", "Frame vacuum", "kPa", 85.0, 6.0),
        ),
    ),
    Operation(
        "DEVELOPING",
        "Developing",
        "DEV",
        3.25,
        (
            Parameter("carbonate", "Carbonate concentration", "%", 1.0, 0.15),
            Parameter("spray_pressure", "Spray pressure", "bar", 1.8, 0.3),
        ),
    ),
    Operation(
        "ETCHING",
        "Etching",
        "ETC",
        4.0,
        (
            Parameter("etchant_temperature", "Etchant temperature", "°C", 50.0, 2.5),
            Parameter("conveyor_speed", "Conveyor speed", "m/min", 2.5, 0.25),
        ),
    ),
)

MATERIALS = (
    Material("BRIGHTENER", "Plating brightener", "PLATING", 1, ("SUP-2", "SUP-3")),
    Material("LAMINATE", "Copper-clad laminate", "PLATING", 4, ("SUP-1", "SUP-2")),
    Material("DRY-FILM", "Dry film resist", "LAMINATION", 4, ("SUP-1", "SUP-3")),
    Material("ETCHANT", "Etchant", "ETCHING", 1, ("SUP-1", "SUP-2")),
)
PRODUCTS = (
    Product("CTRL-4", "Motor controller, layer 4"),
    Product("SENS-2", "Sensor board, layer 2"),
)
LINES = (
    Line(
        "LINE-1",
        "Inner layers, line 1",
        "AOI-1",
        1,
        2300,
        (2, 2, 3, 2, 3),
        ("CREW-A", "CREW-B", "CREW-C", "CREW-D"),
    ),
    Line(
        "LINE-2",
        "Inner layers, line 2",
        "AOI-2",
        2,
        500,
        (1, 2, 2, 2, 2),
        ("CREW-E", "CREW-F", "CREW-G"),
    ),
)
PLANTED_LINE = "LINE-1"

DEFECT_NAMES = {
    "open": ("Open circuit", "开路"),
    "short": ("Short circuit", "短路"),
    "mousebite": ("Mouse bite", "鼠咬"),
    "spur": ("Spur", "毛刺"),
    "copper": ("Spurious copper", "余铜"),
    "pin-hole": ("Pin-hole", "针孔"),
}
"""What people call them, in English and in Chinese, by the detector's code."""
DEFECT_CLASSES = tuple(DEFECT_NAMES)


def operation_index(code: str) -> int:
    """The place of an operation in the route."""
    return [operation.code for operation in OPERATIONS].index(code)


def machine_codes(line: Line, operation: int) -> tuple[str, ...]:
    """The machines of an operation on a line, such as ETC-11, ETC-12."""
    prefix = OPERATIONS[operation].prefix
    count = line.machines[operation]
    return tuple(f"{prefix}-{line.number}{n + 1}" for n in range(count))
