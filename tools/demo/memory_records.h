// The records service in memory: every call is answered inside the call.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "engine/base/hash.h"
#include "engine/base/serialize.h"
#include "wfe/records/v1/records.pb.h"
#include "workers/client/service_client.h"

namespace wfe::demo {

/// One thread.
class MemoryRecords final : public client::ServiceClient {
 public:
  std::shared_ptr<client::CallHandle> Call(std::string_view, std::string_view method,
                                           const google::protobuf::MessageLite& request, const client::CallOptions&,
                                           Function<void(Result<std::string>)> done) override {
    const std::string bytes = Serialize(request);
    if (method == "PutBlob") return Answer(done, Put(Parse<records::v1::PutBlobRequest>(bytes)));
    if (method == "GetBlob") return Answer(done, Get(Parse<records::v1::GetBlobRequest>(bytes)));
    if (method == "AppendRow") return Answer(done, Append(Parse<records::v1::AppendRowRequest>(bytes)));
    if (method == "PutRow") return Answer(done, Replace(Parse<records::v1::PutRowRequest>(bytes)));
    if (method == "DeleteRow") return Answer(done, Delete(Parse<records::v1::DeleteRowRequest>(bytes)));
    if (method == "ScanRows") return Answer(done, Scan(Parse<records::v1::ScanRowsRequest>(bytes)));
    done(Unimplemented("the records in memory do not serve " + std::string(method)));
    return nullptr;
  }

  std::map<std::string, std::map<std::string, std::string>> tables;
  std::map<std::string, std::string> blobs;
  int page_rows = 1000;

 private:
  template <class Request>
  static Request Parse(const std::string& bytes) {
    Request request;
    request.ParseFromString(bytes);
    return request;
  }
  template <class Response>
  static std::shared_ptr<client::CallHandle> Answer(Function<void(Result<std::string>)>& done,
                                                    const Result<Response>& response) {
    done(response ? Result<std::string>(Serialize(*response)) : Result<std::string>(response.error()));
    return nullptr;
  }

  Result<records::v1::PutBlobResponse> Put(const records::v1::PutBlobRequest& request) {
    std::string& blob = blobs[request.sha256()];
    if (request.offset() == 0) blob.clear();
    blob += request.data();
    return records::v1::PutBlobResponse();
  }
  Result<records::v1::GetBlobResponse> Get(const records::v1::GetBlobRequest& request) {
    const auto found = blobs.find(request.sha256());
    if (found == blobs.end()) return NotFound("there is no blob " + request.sha256());
    records::v1::GetBlobResponse response;
    response.set_total_bytes(static_cast<int64_t>(found->second.size()));
    response.set_data(
        found->second.substr(static_cast<size_t>(request.offset()), static_cast<size_t>(request.max_bytes())));
    return response;
  }
  Result<records::v1::AppendRowResponse> Append(const records::v1::AppendRowRequest& request) {
    records::v1::AppendRowResponse response;
    response.set_already_present(!tables[request.table()].emplace(request.key(), request.value()).second);
    return response;
  }
  /// Whether the row is what a caller says that it has seen.
  bool IsStill(const std::string& table, const std::string& key, const std::string& seen_sha256) {
    const auto found = tables[table].find(key);
    if (found == tables[table].end()) return seen_sha256.empty();
    return AsBytes(Sha256(found->second)) == seen_sha256;
  }
  Result<records::v1::PutRowResponse> Replace(const records::v1::PutRowRequest& request) {
    if (!IsStill(request.table(), request.key(), request.replaces_sha256())) {
      return Error{StatusCode::kAborted, "the row is another by now", {}};
    }
    tables[request.table()][request.key()] = request.value();
    return records::v1::PutRowResponse();
  }
  Result<records::v1::DeleteRowResponse> Delete(const records::v1::DeleteRowRequest& request) {
    records::v1::DeleteRowResponse response;
    response.set_already_absent(!tables[request.table()].contains(request.key()));
    if (response.already_absent()) return response;
    if (!IsStill(request.table(), request.key(), request.sha256())) {
      return Error{StatusCode::kAborted, "the row is another by now", {}};
    }
    tables[request.table()].erase(request.key());
    return response;
  }
  Result<records::v1::ScanRowsResponse> Scan(const records::v1::ScanRowsRequest& request) {
    records::v1::ScanRowsResponse response;
    const auto& table = tables[request.table()];
    for (auto at = table.lower_bound(std::max(request.key_prefix(), request.start_after_key()));
         at != table.end() && at->first.starts_with(request.key_prefix()); ++at) {
      if (at->first == request.start_after_key()) continue;
      if (response.rows_size() == page_rows) {
        response.set_more(true);
        break;
      }
      auto& row = *response.add_rows();
      row.set_key(at->first);
      row.set_value(at->second);
    }
    return response;
  }
};

}  // namespace wfe::demo
