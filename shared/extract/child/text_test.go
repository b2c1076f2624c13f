package child

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"parley/shared/file"
)

// read reads content as a child does, in this process.
func read(t *testing.T, name string, content []byte) (contentType string, a Answer) {
	t.Helper()
	src := source{ReaderAt: bytes.NewReader(content), size: int64(len(content)), Job: Job{Name: name}}
	k, err := identify(src)
	if err != nil {
		t.Fatal(err)
	}
	return k.contentType, answer(src, k)
}

// whole returns the text of an answer.
func whole(a Answer) string {
	var b strings.Builder
	for _, p := range a.Passages {
		b.WriteString(p.Text)
	}
	return b.String()
}

const (
	german  = "Über den Wäldern liegt größere Stille; die Äste hängen müde herab, und für die Füchse ist es zu spät.\n"
	czech   = "Příliš žluťoučký kůň úpěl ďábelské ódy. Ještě že děti šly včas domů, řekl si muž u dveří.\n"
	russian = "Съешь же ещё этих мягких французских булок, да выпей чаю. Все счастливые семьи похожи друг на друга.\n"
	greek   = "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια.\n"
	hebrew  = "דג סקרן שט בים מאוכזב ולפתע מצא לו חברה. כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.\n"
	turk    = "Pijamalı hasta yağız şoföre çabucak güvendi. Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.\n"
	arabic  = "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا بروح الإخاء.\n"
	thai    = "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม\n"
	polish  = "Pchnąć w tę łódź jeża lub ośm skrzyń fig. Wszyscy ludzie rodzą się wolni i równi pod względem swej godności.\n"
	nihongo = "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と良心とを授けられている。\n"
	chinese = "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。\n"
	taiwan  = "人人生而自由，在尊嚴和權利上一律平等。他們賦有理性和良心，並應以兄弟關係的精神相對待。\n"
	hangul  = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 부여받았다.\n"
)

func TestEncodings(t *testing.T) {
	for name, c := range map[string]struct {
		encoding encoding.Encoding
		text     string
	}{
		"UTF-8":             {unicode.UTF8, german + russian + chinese},
		"UTF-8 with mark":   {unicode.UTF8BOM, german},
		"UTF-16LE, mark":    {unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nihongo},
		"UTF-16BE, mark":    {unicode.UTF16(unicode.BigEndian, unicode.UseBOM), german},
		"UTF-16LE":          {unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), german},
		"UTF-16BE":          {unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), russian},
		"UTF-16LE, Chinese": {unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), strings.Repeat(chinese, 8)},
		"UTF-32LE, mark":    {utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), german},
		"UTF-32BE":          {utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), german},
		"UTF-32LE":          {utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), chinese},
		"windows-1250":      {charmap.Windows1250, czech},
		"windows-1250, pl":  {charmap.Windows1250, polish},
		"windows-1251":      {charmap.Windows1251, russian},
		"windows-1252":      {charmap.Windows1252, german},
		"windows-1253":      {charmap.Windows1253, greek},
		"windows-1254":      {charmap.Windows1254, turk},
		"windows-1255":      {charmap.Windows1255, hebrew},
		"windows-1256":      {charmap.Windows1256, arabic},
		"windows-874":       {charmap.Windows874, thai},
		"ISO-8859-1":        {charmap.ISO8859_1, german},
		"ISO-8859-2":        {charmap.ISO8859_2, czech},
		"ISO-8859-5":        {charmap.ISO8859_5, russian},
		"ISO-8859-7":        {charmap.ISO8859_7, greek},
		"ISO-8859-9":        {charmap.ISO8859_9, turk},
		"KOI8-R":            {charmap.KOI8R, russian},
		"IBM866":            {charmap.CodePage866, russian},
		"Shift_JIS":         {japanese.ShiftJIS, nihongo},
		"EUC-JP":            {japanese.EUCJP, nihongo},
		"ISO-2022-JP":       {japanese.ISO2022JP, nihongo},
		"GB18030":           {simplifiedchinese.GB18030, chinese},
		"GBK":               {simplifiedchinese.GBK, chinese},
		"Big5":              {traditionalchinese.Big5, taiwan},
		"EUC-KR":            {korean.EUCKR, hangul},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(c.text, 3)
			raw, err := c.encoding.NewEncoder().Bytes([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			is, a := read(t, "letter.txt", raw)
			if got, want := whole(a), strings.TrimSpace(text); is != plainType || got != want {
				t.Errorf("%s, note %q: %.60q, want %.60q", is, a.Note, got, want)
			}
		})
	}
}

func TestLines(t *testing.T) {
	for text, want := range map[string]int{"a": 1, "a\n": 1, "a\r\nb": 2, "a\rb\r": 2, "a\n\n\nb\n": 4} {
		if _, a := read(t, "x.txt", []byte(text)); a.Lines != want || a.Kind != file.Text || a.Pages != 0 {
			t.Errorf("%q: %+v, want %d lines", text, a, want)
		}
	}
}

func TestControlCharactersAreDropped(t *testing.T) {
	tail := strings.Repeat("word ", 2000) // past the bytes that tell a text from a binary file
	_, a := read(t, "x.txt", []byte(tail+"a\x00b\x1b[31mc\x7f\x0c"))
	if got := whole(a); !strings.HasSuffix(got, " ab[31mc") {
		t.Errorf("%q", got[len(got)-20:])
	}
}

func TestOnlyTheBeginningOfALongText(t *testing.T) {
	long := strings.Repeat("Zwölf Boxkämpfer jagen Viktor. ", MaxText/32+10)
	_, a := read(t, "x.txt", []byte(long))
	got := whole(a)
	if a.Note != Truncated || a.Kind != file.Text || len(got) > MaxText || len(got) < MaxText-4 || !strings.HasPrefix(long, got) {
		t.Errorf("note %q, %d bytes", a.Note, len(got))
	}
}
