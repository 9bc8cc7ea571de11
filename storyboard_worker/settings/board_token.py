"""How guessable the board's token is."""

# So many characters are 128 bits, even in hexadecimal digits.
FEWEST_CHARACTERS = 32
FEWEST_DIFFERENT = 8
FIX = "set BOARD_TOKEN to what `openssl rand -hex 32` prints"


def can_be_guessed(token: str) -> bool:
    """Whether trying may find ``token``, as far as its form shows.

    A token that was drawn is long, and has many different characters with a digit among them. One
    that lacks any of these may consist of words.
    """
    return (
        len(token) < FEWEST_CHARACTERS
        or len(set(token)) < FEWEST_DIFFERENT
        or not any(character.isdecimal() for character in token)
    )
