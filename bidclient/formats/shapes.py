"""The shapes of short texts and numbers in our JSON, checked when a record is read."""

from typing import Annotated

import msgspec

# A bare $ would also match before a last line feed; this end is the end in Python and in ECMA 262 alike.
END = r"$(?!\n)"

Hex32 = Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{64}}{END}")]
"""A SHA-256 digest or 32 random bytes, in lower-case hex."""
Uscc = Annotated[str, msgspec.Meta(pattern=f"^[0-9A-HJ-NPQRTUWXY]{{18}}{END}")]
"""A unified social credit code; its check characters are not checked here."""
Slug = Annotated[str, msgspec.Meta(pattern=f"^[a-z][a-z0-9-]{{0,40}}{END}")]
"""A name inside a file, such as that of a part or a form field."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""A name for people."""
Fen = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
"""Money, in 0.01 yuan."""
