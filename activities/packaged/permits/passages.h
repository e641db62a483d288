// A document in passages: headings and sentences, each with its place, however the lines were broken.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wfe::packaged {

struct Passage {
  std::string text;     ///< On one line, without marks of Markdown.
  bool heading = false;
  int level = 0;        ///< Of a heading: 1 is the highest; 0 for others.
  int line = 1;         ///< Of its beginning, from 1.
  int page = 1;
  int block = 0;        ///< Sentences of one paragraph or list item share it.
  bool is_field = false;  ///< "Key: value" on a line of its own, or a row of a table with two cells.
  std::string key;      ///< Of a field, as it stands.
  std::string value;
};

std::vector<Passage> PassagesOf(std::string_view text);

/// White space as single blanks, none at the ends.
std::string Squeezed(std::string_view text);
/// ASCII letters in lower case.
std::string LowerAscii(std::string text);

}  // namespace wfe::packaged
