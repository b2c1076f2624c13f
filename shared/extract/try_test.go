package extract

import ("testing";"os";"fmt")

func TestTry(t *testing.T) {
	p := os.Getenv("TRY")
	if p == "" { t.Skip() }
	for range 3 {
	r, err := Runner{}.Run(t.Context(), p, os.Getenv("NAME"), "")
	if err != nil { t.Fatal(err) }
	fmt.Printf("%s %s pages %d lines %d note %v cause %q cost %+v\n", r.ContentType, r.Kind, r.Pages, r.Lines, r.Note, r.Cause, r.Cost)
	if r.Document != nil { fmt.Println(r.Document.Characters, len(r.Document.Passages)); if os.Getenv("SHOW") != "" { for _, p := range r.Document.Passages { fmt.Printf("-- %d:%d\n%s\n", p.Page, p.Line, p.Text) } } }
	}
}
