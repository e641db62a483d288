// Which files of the project a source file uses, as far as its text says.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "activities/build/integrity/source_text.h"

namespace wfe::build {

struct Import {
  std::string specifier;  ///< As written: "../src/sum", "pkg.calc".
  std::string file;       ///< Path of the project's own file; "" for a module of others.
  int64_t line = 0;
};

/// JavaScript's import, export … from and require, Python's import and from.  `files` are all paths of the project.
std::vector<Import> ReadImports(std::string_view path, const SourceText& text, const std::set<std::string>& files);

/// The project's file that a module name means in the file at `path`; "" when it is none.
std::string ResolveModule(std::string_view path, Language language, const std::string& specifier,
                          const std::set<std::string>& files);

/// "a/../b/./c" → "b/c"; "" when it leaves the project.
std::string CleanPath(std::string_view path);

/// A directory where no checker looks ("dist/x.js", ".cache/y.py").
bool LiesWhereNobodyLooks(std::string_view path);

}  // namespace wfe::build
