// What the JSON of a record (record.h) needs to know of it, as data.  The code that walks over the data is compiled once
// (record_form.cpp); a template that did it would be compiled for each record in each file that reads or writes one.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

namespace wfe::record_internal {

/// How values of one C++ type are written and read.  `value` points to one of that type.
struct ValueForm {
  void (*write)(nlohmann::json& json, const void* value);
  void (*read)(const nlohmann::json& json, void* value);
  bool (*is_empty)(const void* value) = nullptr;  ///< Of a std::optional only.
  void (*clear)(void* value) = nullptr;           ///< Of a std::optional only.
  bool takes_null = false;                        ///< It is JSON itself, so null says something.
};

struct MemberForm {
  const char* name;
  void* (*at)(void* record);  ///< Where the member is.
  const ValueForm* value;
  bool is_required;
  bool (*equals)(const void* value, const void* other);  ///< Of a seldom member only.
};

struct RecordForm {
  std::span<const MemberForm> members;
  std::string_view subject;
  bool refuses_unknown;
  const void* (*as_new)();                 ///< A new record; null when no member is seldom.
  nlohmann::json* (*extra)(void* record);  ///< Where unknown keys are kept; null when they are not.
  void (*check)(const void* record);
};

void Write(nlohmann::json& json, const RecordForm& form, const void* record);
void Read(const nlohmann::json& json, const RecordForm& form, void* record);
bool Knows(const RecordForm& form, std::string_view key);

/// A list of `size` values of `bytes` each, from `first` on.
void WriteList(nlohmann::json& json, const ValueForm& form, const void* first, size_t size, size_t bytes);
void ReadList(const nlohmann::json& json, const ValueForm& form, void* first, size_t bytes);
/// How many values the list has; refuses what is no list.
size_t SizeOfList(const nlohmann::json& json);
void RequireObject(const nlohmann::json& json);
/// Reads one entry of an object; an error names its key.
void ReadEntry(const std::string& key, const nlohmann::json& json, const ValueForm& form, void* value);

/// The number, when it is whole and in range.  nlohmann would cut it, and take true for 1.
int64_t ReadSigned(const nlohmann::json& json, int64_t least, int64_t most);
uint64_t ReadUnsigned(const nlohmann::json& json, uint64_t most);
/// What a key of an object says as a number.
nlohmann::json NumberOfKey(const std::string& key);

}  // namespace wfe::record_internal

namespace wfe {

/// What a CheckRecord overload throws when a value is none: the sentence names the member itself.
[[noreturn]] void RefuseRecord(const std::string& sentence);
void RequireOfRecord(bool condition, const std::string& sentence);

}  // namespace wfe
