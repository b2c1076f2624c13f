package bill

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
)

// gpu returns what engines cost by cost centre, and who says so.
func (m *maker) gpu(answers map[AnswerKey]Answers) (map[string]Money, string) {
	by := map[string]Money{}
	if m.Invoice != nil {
		for k, sum := range m.Invoice.Sums {
			if k.Component == m.Settings.GPU.Component && k.Component != "" && !isLambda(k.Service) && k.Category != Tax {
				by[k.Centre] = by[k.Centre].Plus(Money{sum})
			}
		}
		if len(by) > 0 {
			return by, "invoice"
		}
	}
	ms := new(big.Int)
	for k, a := range answers {
		if m.inMonth(k.Day) {
			ms.Add(ms, big.NewInt(a.EngineMS))
		}
	}
	cost := new(big.Rat).SetFrac(ms, big.NewInt(3_600_000))
	cost.Mul(cost, m.Settings.GPU.Hour.r())
	cost.Quo(cost, new(big.Rat).SetInt64(m.Settings.GPU.AtOnce))
	if cost.Sign() > 0 {
		by[m.Settings.GPU.Centre] = cut([]Money{{cost}}, fine)[0]
	}
	return by, "estimate"
}

func total(by map[string]Money) Money { return Sum(slices.Collect(maps.Values(by))...) }

func (m *maker) answers(b *Bill, answers map[AnswerKey]Answers, gpu Money) {
	type key struct{ plan, model string }
	sums := map[key]Answers{}
	for k, a := range answers {
		if m.inMonth(k.Day) {
			sums[key{k.Plan, k.Model}] = sums[key{k.Plan, k.Model}].plus(a)
		}
	}
	if len(sums) == 0 && (gpu.Sign() != 0 || b.Total.Net.Sign() != 0) {
		sums[key{"", ""}] = Answers{} // nobody has asked, and it cost something
	}
	keys := slices.SortedFunc(maps.Keys(sums), func(x, y key) int { return cmp.Or(cmp.Compare(x.plan, y.plan), cmp.Compare(x.model, y.model)) })
	var engine, replies []*big.Rat
	for _, k := range keys {
		engine = append(engine, new(big.Rat).SetInt64(sums[k].EngineMS))
		replies = append(replies, new(big.Rat).SetInt64(sums[k].replies()))
	}
	gpus, functions := Split(gpu, engine, fine), splitExactly(b.Total.Net, replies)
	for i, k := range keys {
		r := AnswerRow{Plan: k.plan, Model: k.model, Answers: sums[k], GPU: gpus[i], Function: functions[i]}
		r.Net = r.GPU.Plus(r.Function)
		r.Thousand = perThousand(r)
		b.Answers = append(b.Answers, r)
		t := &b.Answered
		t.Answers = t.Answers.plus(r.Answers)
		t.GPU, t.Function, t.Net = t.GPU.Plus(r.GPU), t.Function.Plus(r.Function), t.Net.Plus(r.Net)
	}
	b.Answered.Thousand = perThousand(b.Answered)
}

// splitExactly is Split to a billionth, whose first part has what is finer than
// that, so that the parts sum to the amount as it is.
func splitExactly(whole Money, weights []*big.Rat) []Money {
	parts := Split(whole, weights, fine)
	if len(parts) > 0 {
		parts[0] = parts[0].Plus(whole.Minus(Sum(parts...)))
	}
	return parts
}

func perThousand(r AnswerRow) Money {
	if r.Done == 0 {
		return Money{}
	}
	return cut([]Money{r.Net.Times(1000, r.Done)}, fine)[0]
}

// shownUsers is how many users a bill names.
const shownUsers = 10

func (m *maker) users(b *Bill, users map[UserKey]Use) {
	type key struct{ plan, model string }
	rows := map[key]AnswerRow{}
	for _, r := range b.Answers {
		rows[key{r.Plan, r.Model}] = r
	}
	cost, by := map[string]*big.Rat{}, map[string]Use{}
	for k, u := range users {
		if k.Month != m.Month {
			continue
		}
		r := rows[key{k.Plan, k.Model}]
		add(cost, k.User, share(r.GPU, u.EngineMS, r.EngineMS).Plus(share(r.Function, u.Replies, r.replies())))
		by[k.User] = by[k.User].plus(u)
	}
	names := slices.SortedFunc(maps.Keys(cost), func(x, y string) int { return cmp.Or(cost[y].Cmp(cost[x]), cmp.Compare(x, y)) })
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" })
	rest := UserRow{Net: b.Answered.Net}
	for _, u := range by {
		rest.Replies, rest.Tokens, rest.EngineMS = rest.Replies+u.Replies, rest.Tokens+u.Tokens, rest.EngineMS+u.EngineMS
	}
	for _, n := range names[:min(len(names), shownUsers)] {
		u := by[n]
		r := UserRow{n, u.Replies, u.Tokens, u.EngineMS, cut([]Money{{cost[n]}}, fine)[0]}
		rest = UserRow{"", rest.Replies - r.Replies, rest.Tokens - r.Tokens, rest.EngineMS - r.EngineMS, rest.Net.Minus(r.Net)}
		b.Users = append(b.Users, r)
	}
	b.Users = append(b.Users, rest)
	if cutOff := m.Turns.Read.UsersCut; cutOff > 0 {
		b.UsersWhy = fmt.Sprintf("In some hours there were more users than are kept apart. Each of these may have used up to %d seconds of engines more than is shown, and another may belong here by as much.", cutOff/1000)
	}
}

func share(whole Money, part, of int64) Money {
	if of == 0 {
		return Money{}
	}
	return whole.Times(part, of)
}
