// The template store's rows in the records service.  Whoever includes this links wfe_client.
#pragma once

#include <memory>

#include "activities/prompts/template_rows.h"
#include "workers/client/records_client.h"

namespace wfe::prompts {

/// One blocking call each: for activity threads and tools.
class RecordsTemplateRows final : public TemplateRows {
 public:
  explicit RecordsTemplateRows(std::shared_ptr<client::RecordsClient> records) : records_(std::move(records)) {}
  Result<bool> Append(const std::string& key, const std::string& value) override {
    return records_->AppendRow(std::string(kTemplateTable), key, value);
  }
  Status Scan(const std::string& key_prefix,
              const std::function<void(std::string key, std::string value)>& visit) override {
    return records_->ScanRows(std::string(kTemplateTable), key_prefix, visit);
  }

 private:
  std::shared_ptr<client::RecordsClient> records_;
};

}  // namespace wfe::prompts
