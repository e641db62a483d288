// Merging of memos and search attributes.
#pragma once

#include "engine/history/names.h"

namespace wfe::history {

/// A payload that removes its key when it is upserted: encoded as null, or an empty list.
bool IsNullPayload(const api::common::v1::Payload& payload);

/// Sets or removes the fields of `changes` in `fields`.
template <class Map>
void MergePayloads(Map& fields, const Map& changes) {
  for (const auto& [key, payload] : changes) {
    if (IsNullPayload(payload)) {
      fields.erase(key);
    } else {
      fields[key] = payload;
    }
  }
}

}  // namespace wfe::history
