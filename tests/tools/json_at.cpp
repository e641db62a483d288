// Prints values out of JSON, for tests that are shell scripts:
//   json_at FILE PATH [KEY…]
// PATH is a JSON pointer in which * stands for every element of an array; one line for each value it leads to, or with
// KEYs (pointers from there) one line of tab-separated values.  FILE may hold several documents (jsonl); "-" is
// standard input.  Strings are printed bare; what is not there is an empty field, and the exit code is 1 when PATH
// leads nowhere.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using nlohmann::json;

std::string Shown(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void Follow(const json& value, const std::string& path, std::vector<const json*>& found) {
  const size_t star = path.find("/*");
  const json::json_pointer pointer(path.substr(0, star));
  if (!value.contains(pointer)) return;
  const json& reached = value.at(pointer);
  if (star == std::string::npos) {
    found.push_back(&reached);
    return;
  }
  for (const json& element : reached) Follow(element, path.substr(star + 2), found);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) throw std::invalid_argument("json_at FILE PATH [KEY...]");
  std::ifstream file;
  const bool standard = std::string(argv[1]) == "-";
  if (!standard) file.open(argv[1]);
  std::istream& input = standard ? std::cin : file;
  if (!input) throw std::invalid_argument(std::string("cannot read ") + argv[1]);
  bool any = false;
  while (input >> std::ws && input.peek() != std::istream::traits_type::eof()) {
    json document;
    input >> document;
    std::vector<const json*> found;
    Follow(document, argv[2], found);
    for (const json* value : found) {
      any = true;
      if (argc == 3) std::cout << Shown(*value);
      for (int i = 3; i < argc; ++i) {
        const json::json_pointer key(argv[i]);
        std::cout << (i > 3 ? "\t" : "") << (value->contains(key) ? Shown(value->at(key)) : "");
      }
      std::cout << "\n";
    }
  }
  return any ? 0 : 1;
} catch (const std::exception& e) {
  std::cerr << "json_at: " << e.what() << "\n";
  return 2;
}
