// Documents as people have them: encodings, PDF and DOCX through programs, and what is refused with which words (CW-5).
#include "activities/documents/document_text.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace wfe::documents {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A PDF of one page for each text; an empty text is a page without one.
std::string PdfOf(const std::vector<std::string>& pages) {
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>", "",
                                      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"};
  std::string kids;
  for (const std::string& page : pages) {
    kids += std::to_string(objects.size() + 1) + " 0 R ";
    objects.push_back("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents " +
                      std::to_string(objects.size() + 2) + " 0 R >>");
    const std::string stream = page.empty() ? "" : "BT /F1 12 Tf 72 700 Td (" + page + ") Tj ET\n";
    objects.push_back("<< /Length " + std::to_string(stream.size()) + " >>\nstream\n" + stream + "endstream");
  }
  objects[1] = "<< /Type /Pages /Kids [" + kids + "] /Count " + std::to_string(pages.size()) + " >>";
  std::string pdf = "%PDF-1.4\n";
  for (size_t i = 0; i < objects.size(); ++i) {
    pdf += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  return pdf + "trailer\n<< /Size " + std::to_string(objects.size() + 1) + " /Root 1 0 R >>\n%%EOF\n";
}

class Documents : public ::testing::Test {
 protected:
  Documents() {
    std::string pattern = (fs::temp_directory_path() / "wfe-documents-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
  }
  ~Documents() override { fs::remove_all(dir_); }

  std::string Fault(const std::string& name) {
    const auto folder = sandbox::SafeDir::Open(dir_.string());
    const auto read = ReadDocumentFile(*folder, name, settings_);
    return read ? "" : read.error().message;
  }
  /// A program of that name which does what the script says, in front of the machine's own.
  void Program(const std::string& name, const std::string& script) {
    const fs::path bin = dir_ / ".bin";
    fs::create_directories(bin);
    std::ofstream(bin / name) << "#!/bin/sh\n" << script;
    fs::permissions(bin / name, fs::perms::owner_all);
    settings_.path = bin.string() + ":/usr/bin:/bin";
    settings_.sandboxed = false;
  }

  fs::path dir_;
  ReadSettings settings_;
};

TEST_F(Documents, ReadTextInAnyUsualEncoding) {
  std::string note;
  EXPECT_EQ(*DecodeText("caf\xC3\xA9\r\nb\rc", &note), "caf\xC3\xA9\nb\nc");
  EXPECT_EQ(*DecodeText("\xEF\xBB\xBFhi", &note), "hi");
  EXPECT_EQ(*DecodeText(std::string("\xFF\xFEh\0i\0", 6), &note), "hi");
  EXPECT_EQ(*DecodeText(std::string("\xFE\xFF\0h\0i", 6), &note), "hi");
  EXPECT_EQ(note, "");
  EXPECT_EQ(*DecodeText(std::string("p\0e\0r\0m\0i\0t\0", 12), &note), "permit");
  EXPECT_THAT(note, HasSubstr("UTF-16LE"));
  EXPECT_EQ(*DecodeText("Stra\xDF" "e \x80 5", &note), "Stra\xC3\x9F" "e \xE2\x82\xAC 5");
  EXPECT_THAT(note, HasSubstr("Windows-1252"));
}

TEST_F(Documents, ThatAreNoTextSayWhy) {
  const auto fault = [&](const std::string& bytes) { return TextOfDocument(bytes, settings_).error().message; };
  EXPECT_EQ(fault(""), "it is empty");
  EXPECT_EQ(fault(" \n\f"), "it is empty");
  EXPECT_THAT(fault(std::string("\x7F" "ELF\0\0", 6)), HasSubstr("it is a program"));
  EXPECT_THAT(fault(std::string("ab\0cd", 5)), HasSubstr("zero bytes"));
  EXPECT_THAT(fault("ab\x01\x02"), HasSubstr("control characters"));
  EXPECT_THAT(fault(std::string("\x89PNG\r\n\x1a\n\0\0", 10)), HasSubstr("needs OCR"));
  EXPECT_THAT(fault("\xD0\xCF\x11\xE0rest"), HasSubstr("old Office file"));
  EXPECT_THAT(fault("PK\x03\x04some.zip"), HasSubstr("ZIP archive"));
}

TEST_F(Documents, OutOfAFolderAreFilesWithinTheLimit) {
  std::ofstream(dir_ / "huge.pdf") << "%PDF-1.4";
  fs::resize_file(dir_ / "huge.pdf", 500ull << 20);
  EXPECT_EQ(Fault("huge.pdf"), "it has 500.0 MB; the limit of a document is 50.0 MB");
  fs::create_symlink("/etc/passwd", dir_ / "link.txt");
  EXPECT_THAT(Fault("link.txt"), HasSubstr("it is a link"));
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(Fault("pipe"), "it is no file");
  EXPECT_EQ(Fault("nothing.txt"), "there is no such file");
}

TEST_F(Documents, WhoseProgramIsMissingNameItAndItsPackage) {
  settings_.path = "/nonexistent";
  EXPECT_THAT(TextOfDocument("%PDF-1.4\n", settings_).error().message, HasSubstr("not installed here (Debian: poppler-utils)"));
  EXPECT_THAT(TextOfDocument("PK\x03\x04....word/document.xml", settings_).error().message, HasSubstr("(Debian: pandoc)"));
}

TEST_F(Documents, InPdfAreReadPageByPage) {
  if (sandbox::FindProgram("pdftotext", settings_.path).empty()) GTEST_SKIP() << "poppler-utils is not installed";
  const auto two = TextOfDocument(PdfOf({"First page", "Second page"}), settings_);
  ASSERT_TRUE(two.has_value()) << two.error().message;
  EXPECT_EQ(two->pages, 2);
  EXPECT_THAT(two->notes, IsEmpty());
  EXPECT_EQ(PageAt(two->text, two->text.find("Second")), 2);
  const auto part = TextOfDocument(PdfOf({"First page", "", "Third"}), settings_);
  ASSERT_TRUE(part.has_value()) << part.error().message;
  EXPECT_THAT(part->notes, ElementsAre("page 2 has no text: scanned, or empty"));
  EXPECT_EQ(TextOfDocument(PdfOf({"", ""}), settings_).error().message,
            "it is a PDF of 2 pages without text: scanned pages need OCR first (e.g. ocrmypdf)");
  EXPECT_THAT(TextOfDocument("%PDF-1.4\nnothing\n", settings_).error().message, HasSubstr("pdftotext cannot read it"));
}

TEST_F(Documents, InDocxGoThroughPandoc) {
  Program("pandoc", "printf '%s ' \"$@\" | grep -q -e '--from docx ' && printf '# Permit\\n\\nValid.\\n'\n");
  const auto read = TextOfDocument("PK\x03\x04....word/document.xml", settings_);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->text, "# Permit\n\nValid.\n");
  EXPECT_EQ(FormatName(read->format), "DOCX");
}

TEST_F(Documents, WhoseProgramHangsFloodsOrFailsAreRefused) {
  settings_.patience = std::chrono::milliseconds(1500);
  Program("pandoc", "sleep 60\n");
  EXPECT_THAT(TextOfDocument("{\\rtf1 x}", settings_).error().message, HasSubstr("did not end in"));
  settings_.patience = std::chrono::seconds(30);
  settings_.max_text_bytes = 1000;
  Program("pandoc", "yes | head -c 5000\n");
  EXPECT_EQ(TextOfDocument("{\\rtf1 x}", settings_).error().message, "its text has 5000 bytes; the limit is 1000");
  Program("pandoc", "echo 'not a document' >&2; exit 64\n");
  EXPECT_EQ(TextOfDocument("{\\rtf1 x}", settings_).error().message, "pandoc cannot read it: not a document");
}

}  // namespace
}  // namespace wfe::documents
