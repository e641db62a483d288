// The catalogue of cheats and of honest builds that look alike: cases as text files in this folder.
//
//   == project NAME ==        what stands there before the agent's first step
//   profile: NAME
//   -- PATH --                a file, up to the next line of dashes
//   == cheat: TITLE ==        or  == honest: TITLE ==
//   project: NAME
//   caught: CLASS|CLASS       one of them must be among the findings
//   -- write PATH --          what the agent does, in order
//   -- delete PATH --
//   -- rename PATH -> PATH --
//   -- verify --              a verification before the last one
#pragma once

#include <map>
#include <string>
#include <vector>

namespace wfe::cheats {

struct Action {
  enum class Kind { kWrite, kDelete, kRename, kVerify };
  Kind kind = Kind::kWrite;
  std::string path;
  std::string text;  ///< Content, or the new path.
};

struct Project {
  std::string profile;
  std::map<std::string, std::string> files;
};

struct Case {
  std::string title;
  bool cheat = false;
  std::string file;     ///< Of the catalogue.
  std::string project;  ///< "FILE NAME".
  std::vector<std::string> caught;
  std::vector<Action> actions;
};

struct Catalogue {
  std::map<std::string, Project> projects;  ///< By "FILE NAME".
  std::vector<Case> cases;
};

/// Every *.txt of the folder; stops the program with the place of a line that it does not understand.
Catalogue ReadCatalogue(const std::string& folder);

}  // namespace wfe::cheats
