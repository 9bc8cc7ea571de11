"""The catalogue of faults; import them from here.

Faults are immutable values: ``origin.put("a.jpg", image, faults=[Answer(503), Truncate(10)])``,
``cloudinary.misbehave(Answer(429, headers={"Retry-After": "2"}), times=3)``.

- For both: :class:`Answer`, :class:`CloseBeforeAnswer`, :class:`Hang`.
- For the source: the others of type :class:`SourceFault`.
- For the storage: the others of type :class:`StorageFault`.
"""

from storyboard_worker.demo.fault_kinds import (
    SourceFault,
    StorageFault,
    StoredObject,
)
from storyboard_worker.demo.shared_faults import (
    Answer,
    CloseBeforeAnswer,
    Hang,
)
from storyboard_worker.demo.source_faults import (
    Chunked,
    CutFile,
    Drip,
    Encoded,
    NoLength,
    ResetInBody,
    ServeBytes,
    Truncate,
    WrongLength,
)
from storyboard_worker.demo.storage_faults import (
    AlterAnswer,
    AnswerEarly,
    LoseAnswer,
    StoreInstead,
)

__all__ = [
    "AlterAnswer",
    "Answer",
    "AnswerEarly",
    "Chunked",
    "CloseBeforeAnswer",
    "CutFile",
    "Drip",
    "Encoded",
    "Hang",
    "LoseAnswer",
    "NoLength",
    "ResetInBody",
    "ServeBytes",
    "SourceFault",
    "StorageFault",
    "StoreInstead",
    "StoredObject",
    "Truncate",
    "WrongLength",
]
