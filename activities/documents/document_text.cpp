#include "activities/documents/document_text.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>

#include "activities/sandbox/sandbox.h"
#include "activities/sandbox/text.h"

namespace wfe::documents {
namespace {

constexpr std::string_view kBlankCharacters = " \t\r\n\f\v";

std::string MegaBytes(uint64_t bytes) {
  const uint64_t tenths = bytes * 10 / (1 << 20);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MB";
}

/// A program that makes text of one kind of document.
struct Converter {
  std::string program;
  std::vector<std::string> arguments;  ///< It reads standard input and writes standard output.
  std::string package;                 ///< Debian's, for the sentence that it is missing.
};

/// An empty directory that is gone with the object: the sandbox wants one to be in.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::error_code ignored;
    std::string pattern = (std::filesystem::temp_directory_path(ignored) / "wfe-document-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

sandbox::ProcessOutcome RunConverter(const Converter& converter, const std::string& program, const std::string& bytes,
                                     const ReadSettings& settings, const ScratchDirectory& scratch,
                                     const sandbox::ProcessWatch& watch) {
  sandbox::ProcessSpec spec;
  spec.argv = {program};
  spec.argv.insert(spec.argv.end(), converter.arguments.begin(), converter.arguments.end());
  spec.environment = {{"PATH", settings.path}, {"LANG", "C.UTF-8"}, {"HOME", "/tmp"}};
  spec.standard_input = bytes;
  spec.limits.wall_clock = settings.patience;
  // What is kept of longer output has a hole in the middle, so that one byte more than is allowed must be seen.
  spec.limits.max_output_bytes = 2 * settings.max_text_bytes;
  spec.limits.total_memory_bytes = 2ull << 30;
  spec.limits.file_bytes = 256ull << 20;
  if (settings.sandboxed) {
    const sandbox::SandboxAvailability available = sandbox::ProbeSandbox("bwrap", settings.path);
    if (available.usable) {
      sandbox::SandboxPlan plan;
      plan.program = available.program;
      plan.work_dir = scratch.path();
      plan.tmp_bytes = 256ull << 20;
      for (const std::string& directory : sandbox::ToolDirectories({program}, settings.path)) {
        plan.read_only.emplace_back(directory, directory);
      }
      spec.working_dir = std::string(sandbox::kSandboxWorkDir);
      return sandbox::RunProcess(sandbox::WrapInSandbox(plan, spec), watch);
    }
  }
  spec.working_dir = scratch.path();
  return sandbox::RunProcess(spec, watch);
}

/// Its standard output, or why there is none.
Result<std::string> Convert(const Converter& converter, const std::string& bytes, std::string_view format,
                            const ReadSettings& settings, const sandbox::ProcessWatch& watch) {
  const std::string program = sandbox::FindProgram(converter.program, settings.path);
  if (program.empty()) {
    return FailedPrecondition("it is " + std::string(format) + ", which " + converter.program +
                              " reads, and that is not installed here (Debian: " + converter.package + ")");
  }
  const ScratchDirectory scratch;
  if (scratch.path().empty()) return Unavailable("cannot make a temporary directory");
  sandbox::ProcessOutcome outcome = RunConverter(converter, program, bytes, settings, scratch, watch);
  using Kind = sandbox::ProcessOutcome::Kind;
  if (outcome.kind == Kind::kCancelled) return Cancelled("cancelled");
  if (outcome.limit != sandbox::ProcessOutcome::Limit::kNone) {
    return ResourceExhausted(converter.program + " needed more memory for it than it is given");
  }
  if (outcome.kind == Kind::kTimedOut) {
    return ResourceExhausted(converter.program + " did not end in " +
                             std::to_string(std::chrono::duration_cast<std::chrono::seconds>(settings.patience).count()) +
                             " seconds");
  }
  if (outcome.kind == Kind::kCouldNotStart) return Unavailable(converter.program + ": " + outcome.start_error);
  std::string cleaned = sandbox::CleanTerminalText(outcome.err.text);
  cleaned.erase(cleaned.find_last_not_of(kBlankCharacters) + 1);
  const std::string said = sandbox::Printable(cleaned);
  if (outcome.kind != Kind::kExited || outcome.exit_code != 0) {
    if (said.find("ncorrect password") != std::string::npos) {
      return InvalidArgument("it is encrypted; save it without a password");
    }
    return InvalidArgument(converter.program + " cannot read it" + (said.empty() ? "" : ": " + said));
  }
  if (outcome.out.total_bytes > settings.max_text_bytes) {
    return ResourceExhausted("its text has " + std::to_string(outcome.out.total_bytes) + " bytes; the limit is " +
                             std::to_string(settings.max_text_bytes));
  }
  return std::move(outcome.out.text);
}

bool IsBlank(std::string_view text) { return text.find_first_not_of(kBlankCharacters) == std::string_view::npos; }

Result<DocumentText> OfPdf(const std::string& bytes, const ReadSettings& settings,
                           const sandbox::ProcessWatch& watch) {
  WFE_ASSIGN_OR_RETURN(std::string text, Convert({.program = "pdftotext",
                                                  .arguments = {"-q", "-enc", "UTF-8", "-eol", "unix", "-", "-"},
                                                  .package = "poppler-utils"},
                                                 bytes, "a PDF", settings, watch));
  // pdftotext ends every page with a form feed, the last one too.
  if (text.ends_with('\f')) text.pop_back();
  DocumentText document{.text = sandbox::ToUtf8(text), .format = DocumentFormat::kPdf, .pages = 0, .notes = {}};
  std::string blank;
  int blanks = 0;
  for (size_t from = 0; from <= document.text.size();) {
    const size_t to = std::min(document.text.find('\f', from), document.text.size());
    ++document.pages;
    if (IsBlank(std::string_view(document.text).substr(from, to - from))) {
      if (++blanks <= 5) blank += (blank.empty() ? "" : ", ") + std::to_string(document.pages);
    }
    from = to + 1;
  }
  if (blanks == document.pages) {
    return InvalidArgument("it is a PDF of " + std::to_string(document.pages) +
                           (document.pages == 1 ? " page" : " pages") +
                           " without text: scanned pages need OCR first (e.g. ocrmypdf)");
  }
  if (blanks > 0) {
    document.notes.push_back((blanks == 1 ? "page " : "pages ") + blank + (blanks > 5 ? " and more" : "") +
                             (blanks == 1 ? " has" : " have") + " no text: scanned, or empty");
  }
  return document;
}

Result<DocumentText> OfPandoc(const std::string& bytes, DocumentFormat format, const ReadSettings& settings,
                              const sandbox::ProcessWatch& watch) {
  const char* const from = format == DocumentFormat::kDocx ? "docx" : format == DocumentFormat::kOdt ? "odt" : "rtf";
  WFE_ASSIGN_OR_RETURN(std::string text,
                       Convert({.program = "pandoc",
                                .arguments = {"--from", from, "--to", "markdown-smart-escaped_line_breaks", "--wrap", "none",
                                              "--sandbox"},
                                .package = "pandoc"},
                               bytes, std::string("a ") + std::string(FormatName(format)) + " document", settings, watch));
  if (IsBlank(text)) return InvalidArgument("it has no text");
  return DocumentText{.text = sandbox::ToUtf8(text), .format = format, .pages = 1, .notes = {}};
}

/// Why a document of another kind has no text; nullptr: it may be a text.
const char* WhyOther(std::string_view bytes) {
  if (bytes.starts_with("\xD0\xCF\x11\xE0")) return "it is an old Office file (.doc, .xls); save it as DOCX or PDF";
  if (bytes.starts_with("PK\x03\x04")) return "it is a ZIP archive or an Office file that holds no text document";
  if (bytes.starts_with("\x89PNG") || bytes.starts_with("\xFF\xD8\xFF") || bytes.starts_with("GIF8") ||
      bytes.starts_with("II*") || bytes.starts_with("MM")) {
    if (bytes.substr(0, 64).find('\0') == std::string_view::npos) return nullptr;
    return "it is an image; its text needs OCR first";
  }
  if (bytes.starts_with("\x7F""ELF")) return "it is a program";
  return nullptr;
}

}  // namespace

std::string_view FormatName(DocumentFormat format) {
  switch (format) {
    case DocumentFormat::kText: return "text";
    case DocumentFormat::kPdf: return "PDF";
    case DocumentFormat::kDocx: return "DOCX";
    case DocumentFormat::kOdt: return "ODT";
    case DocumentFormat::kRtf: return "RTF";
    case DocumentFormat::kOther: break;
  }
  return "other";
}

DocumentFormat FormatOf(std::string_view bytes) {
  // Some writers put a line before it; readers look at the first kilobyte.
  if (bytes.substr(0, 1024).find("%PDF-") != std::string_view::npos &&
      (bytes.starts_with("%PDF-") || bytes.substr(0, 1024).find('\0') != std::string_view::npos)) {
    return DocumentFormat::kPdf;
  }
  if (bytes.starts_with("{\\rtf")) return DocumentFormat::kRtf;
  if (bytes.starts_with("PK\x03\x04")) {
    if (bytes.find("word/document.xml") != std::string_view::npos) return DocumentFormat::kDocx;
    if (bytes.substr(0, 200).find("application/vnd.oasis.opendocument.text") != std::string_view::npos) {
      return DocumentFormat::kOdt;
    }
    return DocumentFormat::kOther;
  }
  return WhyOther(bytes) == nullptr ? DocumentFormat::kText : DocumentFormat::kOther;
}

Result<DocumentText> TextOfDocument(const std::string& bytes, const ReadSettings& settings,
                                    const sandbox::ProcessWatch& watch) {
  const DocumentFormat format = FormatOf(bytes);
  switch (format) {
    case DocumentFormat::kPdf: return OfPdf(bytes, settings, watch);
    case DocumentFormat::kDocx:
    case DocumentFormat::kOdt:
    case DocumentFormat::kRtf: return OfPandoc(bytes, format, settings, watch);
    case DocumentFormat::kOther: return InvalidArgument(WhyOther(bytes));
    case DocumentFormat::kText: break;
  }
  std::string note;
  WFE_ASSIGN_OR_RETURN(std::string text, DecodeText(bytes, &note));
  if (text.size() > settings.max_text_bytes) {
    return ResourceExhausted("its text has " + std::to_string(text.size()) + " bytes; the limit is " +
                             std::to_string(settings.max_text_bytes));
  }
  DocumentText document{.text = std::move(text), .format = format, .pages = 1, .notes = {}};
  document.pages = PageAt(document.text, document.text.size());
  if (!note.empty()) document.notes.push_back(note);
  return document;
}

Result<DocumentText> ReadDocumentFile(const sandbox::SafeDir& folder, const std::string& path,
                                      const ReadSettings& settings, const sandbox::ProcessWatch& watch) {
  WFE_ASSIGN_OR_RETURN(const auto entry, folder.Stat(path));
  if (!entry) return NotFound("there is no such file");
  if (entry->kind == sandbox::FileKind::kSymlink) {
    return InvalidArgument("it is a link; documents are read in the folder itself only");
  }
  if (entry->kind != sandbox::FileKind::kFile) return InvalidArgument("it is no file");
  // Before it is read: it may have any size.
  if (entry->size > settings.max_bytes) {
    return ResourceExhausted("it has " + MegaBytes(entry->size) + "; the limit of a document is " +
                             MegaBytes(settings.max_bytes));
  }
  WFE_ASSIGN_OR_RETURN(const std::string bytes, folder.Read(path, settings.max_bytes));
  return TextOfDocument(bytes, settings, watch);
}

}  // namespace wfe::documents
