# Python with pytest and mypy: inflection, with the pinned requirements of its tests.
origin="PyPI inflection 0.5.1"
tools=(python3)
fetch() {
  pypi_source inflection 0.5.1 && rm -rf inflection.egg-info PKG-INFO || return 1
  printf '%s\n' iniconfig==2.1.0 mypy==1.18.2 mypy_extensions==1.1.0 packaging==25.0 pathspec==0.12.1 pluggy==1.6.0 \
    Pygments==2.19.2 pytest==8.4.2 typing_extensions==4.15.0 > requirements-dev.txt
  printf '%s\n' .venv __pycache__ > .gitignore
}
task="Add initials(text): the first letters of the words of a text, in capitals, whichever way the words are joined. Test it."
changes=' M inflection/__init__.py
?? test_initials.py'
own_tests() { python3 -m venv .venv && .venv/bin/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt && .venv/bin/python -m pytest -q; }
tell() {
  step implement_v1
  replace inflection/__init__.py 'def dasherize(word: str) -> str:' << 'END'
def initials(text: str) -> str:
    """
    Return the first letters of the words of a text, in capitals.

    Examples::

        >>> initials("read_only memory")
        'ROM'

    """
    return "".join(word[0] for word in re.split(r"[\s_-]+", text) if word)


def dasherize(word: str) -> str:
END
  write test_initials.py << 'END'
import inflection


def test_initials_of_words_joined_in_any_way() -> None:
    assert inflection.initials("read_only memory") == "ROM"
    assert inflection.initials("light-emitting diode") == "LED"


def test_initials_of_nothing() -> None:
    assert inflection.initials("") == ""
END
  step fix_attempt_1
  replace inflection/__init__.py '"".join(word[0] for word' << 'END'
"".join(word[0].upper() for word
END
}
