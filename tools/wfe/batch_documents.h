// The documents of `wfe batch` and `wfe run`: files of this machine, read here, so that a job neither depends on what
// becomes of them nor on where its workers are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "activities/batch/documents.h"
#include "engine/base/result.h"
#include "tools/wfe/config.h"
#include "workers/client/blob_store.h"

namespace wfe::cli {

struct DocumentFile {
  std::string name;  ///< Relative to the directory, or as the list says.
  std::string path;
  std::string fault = {};  ///< Why it is not read.
};

/// The files below a directory, by name; hidden ones are left out, links have a fault.  NOT_FOUND: it is no
/// directory.
Result<std::vector<DocumentFile>> DocumentsBelow(const std::string& directory);
/// The files that a list names, one a line, in its order; "-": standard input.  Empty lines are none.
Result<std::vector<DocumentFile>> DocumentsOfList(const std::string& list);

/// The text of a file, as UTF-8 (UTF-16 with its mark is converted; of PDF, DOCX, ODT and RTF by the programs that
/// activities/documents runs); or its `fault`: too long, no text, not there.
batch::Document ReadDocument(const DocumentFile& file, const DocumentsConfig& limits = {});

struct StoredDocuments {
  std::string blob;  ///< Of the list.
  int64_t count = 0;
  std::vector<std::string> faults;  ///< "NAME: why" of those that are marked from the start.
};
/// Reads and stores one after the other.  `told` is called after each with how many there are by now.
Result<StoredDocuments> StoreDocuments(BlobSink& sink, const std::vector<DocumentFile>& files,
                                       const DocumentsConfig& limits, const std::function<void(size_t)>& told);

}  // namespace wfe::cli
