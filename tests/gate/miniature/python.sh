# Python with the test runner that it brings along.
origin="one module of our own"
tools=(python3)
options=(--check 'python3 -m unittest -q')
fetch() {
  echo '[project]
name = "words"
version = "1.0"' > pyproject.toml
  printf '%s\n' 'def count(text: str) -> int:' '    return len(text.split())' > words.py
  printf '%s\n' 'import unittest' '' 'import words' '' '' 'class CountTest(unittest.TestCase):' '    def test_counts(self) -> None:' \
    '        self.assertEqual(words.count("a b"), 2)' > test_words.py
  echo __pycache__ > .gitignore
}
task='Add longest(text): the longest word. Test it.'
changes=' M words.py
?? test_longest.py'
own_tests() { python3 -m unittest -q; }
tell() {
  step implement_v1
  replace words.py 'def count(text: str) -> int:' << 'END'
def longest(text: str) -> str:
    return max(text.split(), key=len)


def count(text: str) -> int:
END
  write test_longest.py << 'END'
import unittest

import words


class LongestTest(unittest.TestCase):
    def test_finds_the_longest_word(self) -> None:
        self.assertEqual(words.longest("a long day"), "long")

    def test_finds_none_in_nothing(self) -> None:
        self.assertEqual(words.longest(""), "")
END
  step fix_attempt_1
  replace words.py 'max(text.split(), key=len)' << 'END'
max(text.split(), key=len, default="")
END
}
