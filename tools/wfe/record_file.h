// Options that are files of JSON.
#pragma once

#include <string>
#include <vector>

#include "engine/base/parse_json.h"
#include "engine/base/record_json.h"
#include "engine/base/suggest.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {

/// The record in the file; as it is by default where no file is named.  `what`: "the catalog".
template <class T>
Result<T> ReadRecordFile(const std::string& file, const char* what) {
  if (file.empty()) return T();
  WFE_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(file));
  const nlohmann::json json = ParseJson(text);
  if (json.is_discarded()) return InvalidArgument(file + " " + WhyNotJson(text));
  if constexpr (Record<T> && record_internal::KeepsUnknown<T>) {
    // A later version's key is kept where it is stored; what a person writes is a slip, told before what it leads to.
    if (json.is_object()) {
      for (const auto& [key, ignored] : json.items()) {
        if (record_internal::Knows<T>(key)) continue;
        std::vector<std::string> known;
        for (const auto& member : record_internal::FormOfRecord<T>::kForm.members) known.emplace_back(member.name);
        return InvalidArgument(std::string(what) + " in " + file + ": the key \"" + key + "\" is not known" +
                               DidYouMean(key, known));
      }
    }
  }
  try {
    T value{};
    record_internal::FormOf<T>::Read(json, &value);  // of a list it names the element
    return value;
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument(std::string(what) + " in " + file + ": " + JsonErrorText(e));
  }
}

}  // namespace wfe::cli
