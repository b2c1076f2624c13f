package quality

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// All reads the collections that are in a folder.
func All(folder string) (all []Collection, err error) {
	for _, read := range []func(string) (Collection, error){CACM, Cranfield} {
		c, err := read(folder)
		if err != nil {
			return nil, fmt.Errorf("collection %s: %w", c.Name, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// CACM reads cacm.tar.gz, topics.cacm.txt and qrels.cacm.txt of a folder, as Anserini
// has them: titles and abstracts of Communications of the ACM, and what its readers
// wanted to know.
func CACM(folder string) (Collection, error) {
	c := Collection{Name: "CACM", Lucene: 0.4620, Judged: map[string]map[string]int{}}
	topics, err := os.ReadFile(filepath.Join(folder, "topics.cacm.txt"))
	if err != nil {
		return c, err
	}
	for _, m := range topic.FindAllStringSubmatch(string(topics), -1) {
		c.Queries = append(c.Queries, Text{m[1], m[2]})
	}
	judged, err := os.ReadFile(filepath.Join(folder, "qrels.cacm.txt"))
	if err != nil {
		return c, err
	}
	for line := range strings.Lines(string(judged)) {
		if f := strings.Fields(line); len(f) == 4 {
			c.judge(f[0], f[2], 1)
		}
	}
	c.Docs, err = pages(filepath.Join(folder, "cacm.tar.gz"))
	return c, err
}

func (c *Collection) judge(query, doc string, gain int) {
	if c.Judged[query] == nil {
		c.Judged[query] = map[string]int{}
	}
	c.Judged[query][doc] = gain
}

var (
	topic = regexp.MustCompile(`(?s)<DOCNO>\s*(\S+)\s*</DOCNO>(.*?)</DOC>`)
	tag   = regexp.MustCompile(`</?(html|pre)>`)
)

// pages reads the pages of a packed archive.
func pages(path string) (all []Text, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for files := tar.NewReader(unpacked); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		name, page := strings.CutSuffix(filepath.Base(h.Name), ".html")
		if !page {
			continue
		}
		body, err := io.ReadAll(files)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, Text{name, html.UnescapeString(tag.ReplaceAllString(string(body), " "))})
	}
}

// Cranfield reads cran.all.1400, cran.qry and cranqrel of a folder: abstracts of papers
// on aerodynamics, and the questions that their authors had. Of its grades 1 is the
// best and 4 the least.
func Cranfield(folder string) (Collection, error) {
	c := Collection{Name: "Cranfield", Lucene: 0.3588, Judged: map[string]map[string]int{}}
	docs, err := os.ReadFile(filepath.Join(folder, "cran.all.1400"))
	if err != nil {
		return c, err
	}
	c.Docs = records(string(docs))
	queries, err := os.ReadFile(filepath.Join(folder, "cran.qry"))
	if err != nil {
		return c, err
	}
	for n, q := range records(string(queries)) { // they are judged by their places, not their numbers
		c.Queries = append(c.Queries, Text{strconv.Itoa(n + 1), q.Text})
	}
	judged, err := os.ReadFile(filepath.Join(folder, "cranqrel"))
	if err != nil {
		return c, err
	}
	for line := range strings.Lines(string(judged)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		grade, err := strconv.Atoi(f[2])
		if err != nil {
			return c, fmt.Errorf("cranqrel: %w", err)
		}
		if grade >= 1 && grade <= 4 {
			c.judge(f[0], f[1], 5-grade)
		}
	}
	return c, nil
}

// records reads a file of records that begin with .I and their number, of which .W
// begins the text.
func records(text string) (all []Text) {
	text = strings.ReplaceAll(text, "\r", "") // some copies have them
	for record := range strings.SplitSeq("\n"+text, "\n.I ") {
		number, rest, _ := strings.Cut(record, "\n")
		if _, body, ok := strings.Cut("\n"+rest, "\n.W\n"); ok {
			all = append(all, Text{strings.TrimSpace(number), body})
		}
	}
	return all
}
