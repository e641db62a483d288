#include "activities/batch/document_list.h"

#include <algorithm>
#include <utility>

#include "engine/base/parse_json.h"

namespace wfe::batch {

Result<DocumentList> ReadDocumentList(const std::string& json) {
  const nlohmann::json list = ParseJson(json);
  if (list.is_discarded()) return InvalidArgument("the list of documents " + WhyNotJson(json));
  if (!list.is_array()) return InvalidArgument("the list of documents is no array");
  if (list.size() > static_cast<size_t>(kMaxDocuments)) {
    return InvalidArgument("there are " + std::to_string(list.size()) + " documents; the limit of one job is " +
                           std::to_string(kMaxDocuments));
  }
  try {
    return list.get<DocumentList>();
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument("the list of documents cannot be read: " + JsonErrorText(e));
  }
}

Result<std::string> StoreDocumentList(BlobSink& sink, DocumentList documents) {
  for (Document& document : documents) {
    if (document.text.empty() || !document.blob.empty()) continue;
    WFE_ASSIGN_OR_RETURN(document.blob, sink.Put(document.text));
    document.text.clear();
  }
  return sink.Put(nlohmann::json(documents).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

Result<std::shared_ptr<const DocumentList>> ListCache::Get(BlobSource& source, const std::string& blob) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(entries_, blob, &Entry::blob);
    if (found != entries_.end()) {
      std::rotate(found, found + 1, entries_.end());
      return entries_.back().list;
    }
  }
  WFE_ASSIGN_OR_RETURN(const std::string json, source.Get(blob));
  WFE_ASSIGN_OR_RETURN(DocumentList read, ReadDocumentList(json));
  auto list = std::make_shared<const DocumentList>(std::move(read));
  const std::lock_guard lock(mutex_);
  if (entries_.size() == kLists) entries_.erase(entries_.begin());
  entries_.push_back({.blob = blob, .list = list});
  return list;
}

}  // namespace wfe::batch
