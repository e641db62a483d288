// Reads the project's own files as text, for the tests that check its shape.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wfe::layout {

/// One file of the checkout, its path relative to the root with `/` between names.
struct SourceFile {
  std::string path;
  std::string text;
};

/// Every text file below these folders whose name ends in one of the suffixes (empty: every file), in path order.
/// What version control ignores is left out.
std::vector<SourceFile> ReadTree(const std::vector<std::string>& folders, const std::vector<std::string>& suffixes);

/// One file; the test fails when it is not there.
std::string ReadSource(const std::string& path);

/// Names in the root folder that version control does not ignore.
std::vector<std::string> TopLevelNames();

std::vector<std::string> Lines(std::string_view text);

/// The part of a line that is a comment, for C++, TypeScript, CMake, shell and the like (chosen by the file's name).
std::string_view CommentOf(std::string_view path, std::string_view line);

/// `a/b/c.h` is inside `a/b` and `a`, not inside `a/bc`.
bool IsInside(std::string_view path, std::string_view folder);

}  // namespace wfe::layout
