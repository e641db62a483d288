#include "tools/wfe/batch_documents.h"

#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include "activities/batch/document_list.h"
#include "activities/documents/document_text.h"
#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/text.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

batch::Document Faulty(batch::Document document, std::string why) {
  document.fault = std::move(why);
  document.text.clear();
  return document;
}

}  // namespace

Result<std::vector<DocumentFile>> DocumentsBelow(const std::string& directory) {
  WFE_RETURN_IF_ERROR(CheckDirectoryIsThere(directory));
  sandbox::SafeDirOptions nothing_is_reserved;
  nothing_is_reserved.reserved.clear();
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir folder, sandbox::SafeDir::Open(directory, nothing_is_reserved));
  sandbox::SafeDir::ListOptions all;
  all.hidden = false;
  all.skips_unreadable = false;
  all.max_entries = 2 * static_cast<size_t>(batch::kMaxDocuments);  // links, folders and other things count as well
  const auto entries = folder.List("", all);
  if (!entries) return InvalidArgument("cannot read " + directory + ": " + entries.error().message);
  std::vector<DocumentFile> files;
  for (const sandbox::SafeEntry& entry : *entries) {
    if (entry.kind == sandbox::FileKind::kDirectory) continue;
    files.push_back({.name = entry.path, .path = directory + "/" + entry.path});
    // Who makes a folder for others to process must not get at their files; left out without a word it would be missed.
    if (entry.kind == sandbox::FileKind::kSymlink) files.back().fault = "it is a symbolic link; links are not followed";
  }
  return files;
}

Result<std::vector<DocumentFile>> DocumentsOfList(const std::string& list) {
  WFE_ASSIGN_OR_RETURN(const std::string names, ReadTextFile(list));
  std::vector<DocumentFile> files;
  std::istringstream in(names);
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) files.push_back({.name = line, .path = line});
  }
  return files;
}

batch::Document ReadDocument(const DocumentFile& file, const DocumentsConfig& limits) {
  batch::Document document{.name = sandbox::ToUtf8(file.name)};
  if (!file.fault.empty()) return Faulty(document, file.fault);
  std::error_code error;
  // A pipe or a device would never end.
  if (!std::filesystem::is_regular_file(file.path, error)) {
    return Faulty(document, std::filesystem::exists(file.path, error) ? "it is no file" : "there is no such file");
  }
  const auto bytes = std::filesystem::file_size(file.path, error);
  std::ifstream in(file.path, std::ios::binary);
  if (!in || error) return Faulty(document, "it cannot be read");
  // Before it is read: it may have any size.  Of a PDF or a DOCX only the text counts.
  std::string head(8, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  const bool is_packed = head.starts_with("%PDF-") || head.starts_with("PK\x03\x04") || head.starts_with("{\\rtf");
  in.clear();
  in.seekg(0);
  documents::ReadSettings settings;
  settings.max_bytes = static_cast<uint64_t>(limits.max_file_bytes);
  settings.max_text_bytes = static_cast<uint64_t>(limits.max_batch_text_bytes);
  settings.patience = std::chrono::seconds(limits.read_timeout_s);
  const uintmax_t limit = is_packed ? settings.max_bytes : settings.max_text_bytes;
  if (bytes > limit) {
    return Faulty(document, fmt::format("it has {} bytes; the limit of a document is {}", bytes, limit));
  }
  document.text.assign(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) return Faulty(document, "it cannot be read");
  if (is_packed) {
    auto text = documents::TextOfDocument(document.text, settings);
    if (!text) return Faulty(document, text.error().message);
    document.text = std::move(text->text);
    return document;
  }
  if (document.text.starts_with("\xEF\xBB\xBF")) document.text.erase(0, 3);
  if (document.text.starts_with("\xFF\xFE") || document.text.starts_with("\xFE\xFF")) {
    std::optional<std::string> text = documents::ConvertedToUtf8(document.text, "UTF-16");
    if (!text) return Faulty(document, "it begins as UTF-16 and is none");
    document.text = *std::move(text);
  }
  if (document.text.find('\0') != std::string::npos) {
    return Faulty(document, "it is no text: there are zero bytes in it");
  }
  if (!sandbox::IsUtf8(document.text)) return Faulty(document, "its text is neither UTF-8 nor marked as UTF-16");
  if (document.text.find_first_not_of(" \t\r\n") == std::string::npos) return Faulty(document, "it is empty");
  return document;
}

Result<StoredDocuments> StoreDocuments(BlobSink& sink, const std::vector<DocumentFile>& files,
                                       const DocumentsConfig& limits, const std::function<void(size_t)>& told) {
  if (files.size() > static_cast<size_t>(batch::kMaxDocuments)) {
    return InvalidArgument(
        fmt::format("there are {} documents; the limit of one job is {}", files.size(), batch::kMaxDocuments));
  }
  StoredDocuments stored;
  batch::DocumentList list;
  for (const DocumentFile& file : files) {
    batch::Document document = ReadDocument(file, limits);
    if (!document.fault.empty()) stored.faults.push_back(document.name + ": " + document.fault);
    if (!document.text.empty()) {
      WFE_ASSIGN_OR_RETURN(document.blob, sink.Put(document.text));
      document.text.clear();
    }
    list.push_back(std::move(document));
    if (told) told(list.size());
  }
  stored.count = static_cast<int64_t>(list.size());
  WFE_ASSIGN_OR_RETURN(stored.blob, batch::StoreDocumentList(sink, std::move(list)));
  return stored;
}

}  // namespace wfe::cli
