package bill

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Partial is what some lines and records come to. All of it is whole numbers that
// are added, so partials merge in any order.
type Partial struct {
	Work    map[WorkKey]Work
	Answers map[AnswerKey]Answers
	Users   map[UserKey]Use
	// Found are records whose writer only found the reply ended, by the reply's id.
	// They count once, however many found it.
	Found map[string]Found
	Read  Read
}

// WorkKey is whose work it is: that of a function, in a day (UTC), at a size.
type WorkKey struct {
	Day      string `json:"day"`
	Region   string `json:"region,omitempty"` // empty: the lines don't say
	Function string `json:"function"`         // its name; empty: the lines don't say
	MemoryMB int64  `json:"memory_mb"`
}

// Work is what Lambda bills.
type Work struct {
	Requests int64 `json:"requests"`
	BilledMS int64 `json:"billed_ms"`
	MBms     int64 `json:"mb_ms"` // a GB-second is 1,024,000
	Inits    int64 `json:"inits"`
}

// AnswerKey is a day (UTC, of when it was asked for), a plan and a model.
type AnswerKey struct {
	Day   string `json:"day"`
	Plan  string `json:"plan"`
	Model string `json:"model,omitempty"`
}

// Answers is what replies have used. Failed and Cancelled ones have their tokens and
// time in it, too: somebody has paid for them.
type Answers struct {
	Done             int64 `json:"done"`
	Failed           int64 `json:"failed"`
	Cancelled        int64 `json:"cancelled"`
	PromptTokens     int64 `json:"prompt_tokens"`
	CachedTokens     int64 `json:"cached_tokens"` // of the prompts'
	CompletionTokens int64 `json:"completion_tokens"`
	EngineMS         int64 `json:"engine_ms"`
}

// UserKey is a user's pseudonym with plan and model, in a month. User is empty for
// those that were too many to be kept apart.
type UserKey struct {
	Month string `json:"month"`
	User  string `json:"user,omitempty"`
	Plan  string `json:"plan"`
	Model string `json:"model,omitempty"`
}

// Use is what a user's replies have used.
type Use struct {
	Replies  int64 `json:"replies"`
	EngineMS int64 `json:"engine_ms"`
	Tokens   int64 `json:"tokens"` // of prompts and answers
}

// Found is a record of somebody who found the reply ended.
type Found struct {
	At time.Time `json:"at"`
	AnswerKey
	User    string `json:"user"`
	Answers `json:"used"`
}

// Read is what was read.
type Read struct {
	Files      int64   `json:"files"`
	Lines      int64   `json:"lines"`
	Reports    int64   `json:"reports"`
	Duplicates int64   `json:"duplicates"`
	Records    int64   `json:"records"`
	Repeated   int64   `json:"repeated"`  // records of a reply that had one
	UsersCut   int64   `json:"users_cut"` // the most engine ms of a user that was too little to be kept apart
	Faults     int64   `json:"faults"`
	Listed     []Fault `json:"listed,omitempty"` // the first of them by file and row
}

// Fault is something that can't be read.
type Fault struct {
	File string `json:"file"`
	Row  int64  `json:"row"` // from 1; 0: the file as a whole
	Why  string `json:"why"`
}

// maxListed is how many faults are listed. All are counted.
const maxListed = 100

func (r *Read) fault(file string, row int64, why string) {
	r.Faults++
	r.list(Fault{file, row, why})
}

func (r *Read) list(more ...Fault) {
	if len(more) == 0 {
		return
	}
	r.Listed = append(slices.Clip(r.Listed), more...)
	slices.SortFunc(r.Listed, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row), cmp.Compare(a.Why, b.Why))
	})
	r.Listed = r.Listed[:min(len(r.Listed), maxListed)]
}

func (r Read) plus(s Read) Read {
	out := Read{r.Files + s.Files, r.Lines + s.Lines, r.Reports + s.Reports, r.Duplicates + s.Duplicates, r.Records + s.Records,
		r.Repeated + s.Repeated, r.UsersCut + s.UsersCut, r.Faults + s.Faults, r.Listed}
	out.list(s.Listed...)
	return out
}

// NewPartial is nothing yet.
func NewPartial() *Partial {
	return &Partial{map[WorkKey]Work{}, map[AnswerKey]Answers{}, map[UserKey]Use{}, map[string]Found{}, Read{}}
}

// check holds all sums to what a bill can have.
func (p *Partial) check() error { return NewPartial().Merge(p) }

// errTooMuch is for sums that no month has.
var errTooMuch = errors.New("partial: a sum is too large")

// most is what one partial's sum may be, so that a thousand of them add up.
const most = math.MaxInt64 >> 12

func bounded(all ...int64) error {
	for _, n := range all {
		if n < 0 || n > most {
			return errTooMuch
		}
	}
	return nil
}

func (w Work) plus(v Work) Work {
	return Work{w.Requests + v.Requests, w.BilledMS + v.BilledMS, w.MBms + v.MBms, w.Inits + v.Inits}
}

func (w Work) check() error { return bounded(w.Requests, w.BilledMS, w.MBms, w.Inits) }

func (a Answers) plus(b Answers) Answers {
	return Answers{a.Done + b.Done, a.Failed + b.Failed, a.Cancelled + b.Cancelled, a.PromptTokens + b.PromptTokens,
		a.CachedTokens + b.CachedTokens, a.CompletionTokens + b.CompletionTokens, a.EngineMS + b.EngineMS}
}

func (a Answers) check() error {
	return bounded(a.Done, a.Failed, a.Cancelled, a.PromptTokens, a.CachedTokens, a.CompletionTokens, a.EngineMS)
}

// replies is how many there were, done or not.
func (a Answers) replies() int64 { return a.Done + a.Failed + a.Cancelled }

func (u Use) plus(v Use) Use {
	return Use{u.Replies + v.Replies, u.EngineMS + v.EngineMS, u.Tokens + v.Tokens}
}

func (u Use) check() error { return bounded(u.Replies, u.EngineMS, u.Tokens) }

// Merge adds q to p. An error says that a sum is larger than any bill's.
func (p *Partial) Merge(q *Partial) error {
	for k, w := range q.Work {
		p.Work[k] = p.Work[k].plus(w)
		if err := p.Work[k].check(); err != nil {
			return err
		}
	}
	for k, a := range q.Answers {
		p.Answers[k] = p.Answers[k].plus(a)
		if err := p.Answers[k].check(); err != nil {
			return err
		}
	}
	for k, u := range q.Users {
		p.Users[k] = p.Users[k].plus(u)
		if err := p.Users[k].check(); err != nil {
			return err
		}
	}
	p.Read = p.Read.plus(q.Read)
	for reply, f := range q.Found {
		p.find(reply, f)
	}
	return bounded(p.Read.Lines, p.Read.UsersCut)
}

// find keeps the first of those who found a reply.
func (p *Partial) find(reply string, f Found) {
	had, ok := p.Found[reply]
	if ok {
		p.Read.Repeated++
	}
	if !ok || f.before(had) {
		p.Found[reply] = f
	}
}

// before orders records of one reply, whichever comes first.
func (f Found) before(g Found) bool {
	key := func(f Found) string { return fmt.Sprint(f.AnswerKey, f.User, f.Answers) }
	return cmp.Or(f.At.Compare(g.At), cmp.Compare(key(f), key(g))) < 0
}

// settled returns answers and users with what was found in them.
func (p *Partial) settled() (map[AnswerKey]Answers, map[UserKey]Use) {
	answers, users := maps.Clone(p.Answers), maps.Clone(p.Users)
	for _, f := range p.Found {
		answers[f.AnswerKey] = answers[f.AnswerKey].plus(f.Answers)
		k := f.userKey()
		users[k] = users[k].plus(f.use())
	}
	return answers, users
}

func (f Found) userKey() UserKey { return UserKey{f.Day[:len("2006-01")], f.User, f.Plan, f.Model} }

func (f Found) use() Use {
	return Use{f.replies(), f.EngineMS, f.PromptTokens + f.CompletionTokens}
}

// keepUsers keeps the n users that used the engine most in a month apart, and puts
// the others together.
func (p *Partial) keepUsers(n int) {
	type one struct{ month, user string }
	used := map[one]int64{}
	for k, u := range p.Users {
		if k.User != "" {
			used[one{k.Month, k.User}] += u.EngineMS
		}
	}
	if len(used) <= n {
		return
	}
	by := slices.SortedFunc(maps.Keys(used), func(a, b one) int {
		return cmp.Or(cmp.Compare(used[b], used[a]), cmp.Compare(a.month, b.month), cmp.Compare(a.user, b.user))
	})
	p.Read.UsersCut += used[by[n]]
	for _, gone := range by[n:] {
		delete(used, gone)
	}
	for k, u := range maps.Clone(p.Users) {
		if _, kept := used[one{k.Month, k.User}]; kept || k.User == "" {
			continue
		}
		delete(p.Users, k)
		k.User = ""
		p.Users[k] = p.Users[k].plus(u)
	}
}

// PartialVersion is the form that this release writes.
const PartialVersion = 1

// form is a partial in JSON.
type form struct {
	Version int          `json:"v"`
	Covers  string       `json:"covers"` // the folder
	Of      string       `json:"of"`     // a digest of what was in it
	Work    []workForm   `json:"work,omitempty"`
	Answers []answerForm `json:"answers,omitempty"`
	Users   []userForm   `json:"users,omitempty"`
	Found   []foundForm  `json:"found,omitempty"`
	Read    Read         `json:"read"`
}

type (
	workForm struct {
		WorkKey
		Work
	}
	answerForm struct {
		AnswerKey
		Answers
	}
	userForm struct {
		UserKey
		Use
	}
	foundForm struct {
		Reply string `json:"reply"`
		Found
	}
)

// Encode writes a partial; equal ones are equal byte for byte. covers names what it
// is of, and of is a digest of what was there.
func (p *Partial) Encode(covers, of string) ([]byte, error) {
	f := form{Version: PartialVersion, Covers: covers, Of: of, Read: p.Read}
	for _, k := range sorted(p.Work) {
		f.Work = append(f.Work, workForm{k, p.Work[k]})
	}
	for _, k := range sorted(p.Answers) {
		f.Answers = append(f.Answers, answerForm{k, p.Answers[k]})
	}
	for _, k := range sorted(p.Users) {
		f.Users = append(f.Users, userForm{k, p.Users[k]})
	}
	for _, k := range sorted(p.Found) {
		f.Found = append(f.Found, foundForm{k, p.Found[k]})
	}
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode partial of %s: %w", covers, err)
	}
	return append(b, '\n'), nil
}

// sorted are the keys by what they look like, which is made once for each.
func sorted[K comparable, V any](m map[K]V) []K {
	by := make(map[string]K, len(m))
	for k := range m {
		by[fmt.Sprintf("%#v", k)] = k
	}
	all := make([]K, 0, len(m))
	for _, text := range slices.Sorted(maps.Keys(by)) {
		all = append(all, by[text])
	}
	return all
}

// DecodePartial reads what Encode has written.
func DecodePartial(b []byte) (p *Partial, covers, of string, err error) {
	var f form
	if err := strictly(b, &f); err != nil {
		return nil, "", "", fmt.Errorf("decode partial: %w", err)
	}
	if f.Version != PartialVersion {
		return nil, "", "", fmt.Errorf("decode partial of %.200s: version %d, not %d", f.Covers, f.Version, PartialVersion)
	}
	p = NewPartial()
	q := NewPartial()
	for _, w := range f.Work {
		q.Work[w.WorkKey] = w.Work
	}
	for _, a := range f.Answers {
		q.Answers[a.AnswerKey] = a.Answers
	}
	for _, u := range f.Users {
		q.Users[u.UserKey] = u.Use
	}
	for _, o := range f.Found {
		if _, err := time.Parse(time.DateOnly, o.Day); err != nil {
			return nil, "", "", fmt.Errorf("decode partial of %.200s: %w", f.Covers, err)
		}
		q.Found[o.Reply] = o.Found
	}
	q.Read = f.Read
	if len(q.Work) != len(f.Work) || len(q.Answers) != len(f.Answers) || len(q.Users) != len(f.Users) || len(q.Found) != len(f.Found) {
		return nil, "", "", fmt.Errorf("decode partial of %.200s: a key is there twice", f.Covers)
	}
	return p, f.Covers, f.Of, p.Merge(q)
}
