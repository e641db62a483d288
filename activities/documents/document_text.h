// Documents as people have them, as text with pages: plain text and Markdown in any usual encoding, PDF through poppler's
// pdftotext, DOCX, ODT and RTF through pandoc.  Both programs run in the sandbox where there is one, get the document on
// standard input and nothing else, and are optional: where one is missing, a document says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/sandbox/process_runner.h"
#include "activities/sandbox/safe_files.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::documents {

enum class DocumentFormat { kText, kPdf, kDocx, kOdt, kRtf, kOther };
/// "text", "PDF", "DOCX" …
std::string_view FormatName(DocumentFormat format);

/// By its bytes, not by its name.
DocumentFormat FormatOf(std::string_view bytes);

struct DocumentText {
  std::string text;  ///< UTF-8, lines end with "\n"; between two pages there is a form feed.
  DocumentFormat format = DocumentFormat::kText;
  int pages = 1;
  std::vector<std::string> notes;  ///< What a reader should know: an encoding that was guessed, pages without text.
};

struct ReadSettings {
  std::string path = "/usr/local/bin:/usr/bin:/bin";  ///< PATH in which the programs are looked for.
  uint64_t max_bytes = 50ull << 20;                   ///< Of a document; a larger one is refused without being read.
  uint64_t max_text_bytes = 8ull << 20;               ///< Of its text.
  Duration patience = std::chrono::seconds(60);       ///< For a program.
  bool sandboxed = true;                              ///< Use bubblewrap where it works.
};

/// The text of a document that has been read.  INVALID_ARGUMENT, in one sentence without the document's name: it is no
/// text, it has none (a scanned PDF), it is damaged, encrypted or empty; FAILED_PRECONDITION: the program that reads such
/// documents is not installed; RESOURCE_EXHAUSTED: a limit; CANCELLED.
Result<DocumentText> TextOfDocument(const std::string& bytes, const ReadSettings& settings,
                                    const sandbox::ProcessWatch& watch = {});

/// A file of a folder, by its path in it.  A link is refused as what it is, wherever it leads; so are pipes and devices.
Result<DocumentText> ReadDocumentFile(const sandbox::SafeDir& folder, const std::string& path,
                                      const ReadSettings& settings, const sandbox::ProcessWatch& watch = {});

/// Text in any usual encoding as UTF-8, with "\n" at the ends of lines.  `note` is told what had to be guessed.
/// INVALID_ARGUMENT: it is no text.
Result<std::string> DecodeText(std::string bytes, std::string* note);

/// The page, from 1, on which a byte of the text stands.
int PageAt(std::string_view text, size_t offset);

/// Bytes of an encoding that iconv knows by this name, as UTF-8; nullopt where they are none of it.
std::optional<std::string> ConvertedToUtf8(std::string bytes, const char* from);

}  // namespace wfe::documents
