// Package extract turns the bytes of a file that somebody sent into what can be put
// before a model: its true type, its text by pages and lines, its picture.
//
// # A child for each file
//
// Whoever parses a file has to reckon with one that was made to break its parser.
// So each file is read by a process of its own: this program again, which by Child
// becomes a reader of one file. It gets the file as an open descriptor, a pipe to
// answer, its name and stated type, and nothing else: no environment, so no keys.
// Before it reads it limits its own memory, processor time, open files and core dumps
// (limits_linux.go), and then gives up every call to the kernel but those to compute
// and to answer (lock_linux.go): it can neither open a file nor connect, nor look at
// its parent. The parent adds a limit of time, bounds what it keeps of the answer,
// and kills it as a group. It dies with its parent.
//
// What a child says is checked as if a stranger had said it (answer.go), for that is
// what it may be by then. Whatever becomes of it, the caller has a Result: one with
// a Note if the file couldn't be read, or only in part. An error of Run is about
// this machine, never about the file.
//
// # What is read
//
// Types go by content. A name counts for texts alone, where it says which one it is.
//
//   - PDF, with the numbers of its pages; not one with a password, nor a scan
//   - Word: headings, lists, tables, footnotes, with pages where Word noted them;
//     PowerPoint, a page for each slide; Excel, a page for each sheet, tabs between
//     cells; OpenDocument texts and presentations; EPUB, a page for each chapter
//   - HTML, as somebody sees it; no script runs
//   - any other text as it is, SVG and XML among them, in UTF-8, UTF-16 and UTF-32
//     with or without a mark, and in the older encodings of Europe, the Near East,
//     Thailand, China, Japan and Korea, which are guessed by the letters in use
//   - JPEG, PNG, GIF and WebP, by package picture
//
// Anything else is kept without being read: old Office files, RTF, archives (which
// are never unpacked for what is in them), sound, video, programs. So is HEIC.
//
// A text has at most passage.MaxText bytes, and at most child.MaxPages pages of a
// document are read; a Note says so where there is more.
//
// # PDF by PDFium
//
// PDFium, Chrome's, runs as WebAssembly within the child (go-pdfium on wazero), a
// wall more around the code that is attacked most. In 197 real PDFs it found 99.9 % of
// pdftotext's words in the median one, and less than 98.0 % in a tenth of them
// (docs/benchmarks.md). The pure Go reader github.com/ledongthuc/pdf, which makes a
// program 9 MB smaller and starts at once, found 28 % in the 59 of Debian's packages
// that it was tried with: it leaves out the spaces that a PDF doesn't write and
// doesn't know the encodings of many fonts.
//
// The price: 9 MB of program, and some seconds (2.3 of two idle cores) to compile
// PDFium to machine code, once for each place where the function runs (cache.go). A
// PDF then takes 0.08 s to start with, which makes the median one take 4.4 times
// pdftotext's time; all of the 197 together took 2.2 times as long.
package extract
