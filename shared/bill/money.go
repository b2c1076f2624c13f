package bill

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Money is an exact amount, of dollars unless somebody says otherwise. The zero
// value is nothing. It is never changed, so it may be copied.
type Money struct{ rat *big.Rat }

func (m Money) r() *big.Rat {
	if m.rat == nil {
		return new(big.Rat)
	}
	return m.rat
}

// What an amount may look like. Exports have up to 20 digits after the point, and
// some write small ones with an exponent.
const (
	maxDigits   = 60
	maxExponent = 40
)

// ParseMoney reads a decimal such as -0.0000162, 12 or 1.5E-7, and nothing else.
func ParseMoney(s string) (Money, error) {
	mantissa, exponent, hasExponent := strings.Cut(strings.ReplaceAll(s, "E", "e"), "e")
	if !decimal(mantissa) || hasExponent && !exponentOf(exponent) {
		return Money{}, fmt.Errorf("%.80q is no amount", s)
	}
	rat, ok := new(big.Rat).SetString(s)
	if !ok {
		return Money{}, fmt.Errorf("%.80q is no amount", s)
	}
	return Money{rat}, nil
}

func decimal(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	whole, fraction, hasPoint := strings.Cut(s, ".")
	return digits(whole) && (!hasPoint || digits(fraction)) && len(s) <= maxDigits
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func exponentOf(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	return digits(s) && len(s) <= 2 && (len(s) < 2 || s <= fmt.Sprint(maxExponent))
}

// MustMoney is ParseMoney for what a program says itself.
func MustMoney(s string) Money {
	m, err := ParseMoney(s)
	if err != nil {
		panic(err)
	}
	return m
}

// Plus returns m + n.
func (m Money) Plus(n Money) Money { return Money{new(big.Rat).Add(m.r(), n.r())} }

// Minus returns m - n.
func (m Money) Minus(n Money) Money { return Money{new(big.Rat).Sub(m.r(), n.r())} }

// Times returns m · num / den.
func (m Money) Times(num, den int64) Money {
	return Money{new(big.Rat).Mul(m.r(), big.NewRat(num, den))}
}

// Sign is -1, 0 or 1.
func (m Money) Sign() int { return m.r().Sign() }

// Cmp compares m with n.
func (m Money) Cmp(n Money) int { return m.r().Cmp(n.r()) }

// Abs returns m without its sign.
func (m Money) Abs() Money { return Money{new(big.Rat).Abs(m.r())} }

// Fixed shows m with so many digits after the point. It rounds: what is shown beside
// its parts is cut before.
func (m Money) Fixed(places int) string {
	s := m.r().FloatString(places)
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-")
	}
	return s
}

// fine is to how many digits after the point amounts are divided that don't come out
// even: a billionth of a dollar.
const fine = 9

// String is the exact decimal, without zeros at its end. An amount that has none,
// which a Bill doesn't hold, is rounded.
func (m Money) String() string {
	places, exact := m.r().FloatPrec()
	if !exact {
		places = fine
	}
	return m.Fixed(places)
}

// MarshalJSON writes the exact decimal as a string, so that no reader takes it for
// a floating-point number.
func (m Money) MarshalJSON() ([]byte, error) { return json.Marshal(m.String()) }

// UnmarshalJSON reads such a string.
func (m *Money) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("an amount is written as a string: %w", err)
	}
	read, err := ParseMoney(s)
	*m = read
	return err
}

// Sum adds amounts.
func Sum(all ...Money) Money {
	sum := new(big.Rat)
	for _, m := range all {
		sum.Add(sum, m.r())
	}
	return Money{sum}
}

// Split divides an amount by weights into parts that have so many digits after the
// point, and whose sum is the amount, rounded to as many. Each part is its exact
// share, rounded down or up: up where the most was cut off. Weights are not
// negative; if all are zero, they count alike.
func Split(whole Money, weights []*big.Rat, places int) []Money {
	total := new(big.Rat)
	for _, w := range weights {
		total.Add(total, w)
	}
	exact := make([]Money, len(weights))
	for i, w := range weights {
		share := big.NewRat(1, int64(len(weights)))
		if total.Sign() != 0 {
			share = new(big.Rat).Quo(w, total)
		}
		exact[i] = Money{share.Mul(share, whole.r())}
	}
	return cut(exact, places)
}

// cut rounds parts to so many digits in such a way that they sum to their sum, rounded
// to as many: all down, and what the rounded sum has more goes to those that lost the
// most, of equals to the first.
func cut(parts []Money, places int) []Money {
	unit := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil))
	type piece struct {
		i    int
		down *big.Int
		lost *big.Rat
	}
	pieces, rest := make([]piece, len(parts)), round(new(big.Rat).Quo(Sum(parts...).r(), unit))
	for i, m := range parts {
		units := new(big.Rat).Quo(m.r(), unit)
		down := floor(units)
		pieces[i] = piece{i, down, new(big.Rat).Sub(units, new(big.Rat).SetInt(down))}
		rest.Sub(rest, down)
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return cmp.Or(b.lost.Cmp(a.lost), cmp.Compare(a.i, b.i)) })
	out := make([]Money, len(parts))
	for n, p := range pieces {
		if int64(n) < rest.Int64() {
			p.down.Add(p.down, big.NewInt(1))
		}
		out[p.i] = Money{new(big.Rat).Mul(new(big.Rat).SetInt(p.down), unit)}
	}
	return out
}

func floor(r *big.Rat) *big.Int {
	return new(big.Int).Div(r.Num(), r.Denom()) // Euclidean: down, as denominators are positive
}

// round rounds to the nearest whole number, halves away from zero, as Fixed does.
func round(r *big.Rat) *big.Int {
	if r.Sign() < 0 {
		n := round(new(big.Rat).Neg(r))
		return n.Neg(n)
	}
	return floor(new(big.Rat).Add(r, big.NewRat(1, 2)))
}

// Percent shows part of whole in percent, with two digits; empty if whole is zero.
func Percent(part, whole Money) string {
	if whole.Sign() == 0 {
		return ""
	}
	q := new(big.Rat).Quo(part.r(), whole.r())
	return Money{q.Mul(q, big.NewRat(100, 1))}.Fixed(2)
}
