package bill

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"testing/quick"
)

func TestMoneyIsExact(t *testing.T) {
	for in, want := range map[string]string{
		"0.1": "0.1", "-0.0000162": "-0.0000162", "12": "12", "1.50": "1.5", "1.5E-7": "0.00000015", "2e3": "2000", "-0": "0", "+3": "3",
		"0.00000000000000000001": "0.00000000000000000001",
	} {
		m, err := ParseMoney(in)
		if err != nil || m.String() != want {
			t.Errorf("%s: %s, %v", in, m, err)
		}
	}
	for _, in := range []string{"", "-", ".5", "5.", "1/3", "0x10", "1e99", "1e", "1e-", "NaN", "Inf", "1_000", " 1", "1 ", "1,5", strings.Repeat("9", 100)} {
		if m, err := ParseMoney(in); err == nil {
			t.Errorf("%q is %s", in, m)
		}
	}
	sum := Money{}
	for range 10 {
		sum = sum.Plus(MustMoney("0.1"))
	}
	if sum.Cmp(MustMoney("1")) != 0 {
		t.Errorf("ten dimes are %s", sum)
	}
}

func TestMoneyOverJSON(t *testing.T) {
	b, err := json.Marshal(MustMoney("-1.250"))
	if err != nil || string(b) != `"-1.25"` {
		t.Errorf("%s, %v", b, err)
	}
	var m Money
	if err := json.Unmarshal([]byte(`1.25`), &m); err == nil {
		t.Error("a floating-point number was taken for an amount")
	}
	if err := json.Unmarshal(b, &m); err != nil || m.String() != "-1.25" {
		t.Errorf("%s, %v", m, err)
	}
}

// Whatever is split or shown, the parts sum to the whole, none is off by a unit or
// more, and the whole is off by half a unit at most.
func TestPartsSumToTheWhole(t *testing.T) {
	half, unit := MustMoney("0.005"), MustMoney("0.01")
	err := quick.Check(func(cents []int32, over uint8) bool {
		parts := make([]Money, len(cents))
		for i, c := range cents {
			parts[i] = MustMoney("1").Times(int64(c), int64(over)*7+3)
		}
		shown, sum := cut(parts, 2), Money{}
		for i, m := range shown {
			sum = sum.Plus(m)
			if m.Minus(parts[i]).Abs().Cmp(unit) >= 0 {
				return false
			}
		}
		return sum.Fixed(2) == Sum(parts...).Fixed(2) && sum.Minus(Sum(parts...)).Abs().Cmp(half) <= 0
	}, &quick.Config{MaxCount: 2000})
	if err != nil {
		t.Error(err)
	}
	err = quick.Check(func(weights []uint16, whole int32) bool {
		if len(weights) == 0 {
			return true
		}
		of := make([]*big.Rat, len(weights))
		for i, w := range weights {
			of[i] = new(big.Rat).SetInt64(int64(w))
		}
		m := MustMoney("1").Times(int64(whole), 7)
		return Sum(Split(m, of, fine)...).String() == m.Fixed(fine) || Sum(Split(m, of, fine)...).Fixed(fine) == m.Fixed(fine)
	}, &quick.Config{MaxCount: 2000})
	if err != nil {
		t.Error(err)
	}
}

func TestCut(t *testing.T) {
	third := MustMoney("1").Times(1, 3)
	for want, parts := range map[string][]Money{"0.34 0.33 0.33": {third, third, third}, "0.00 1.00": {MustMoney("-0.005"), MustMoney("1.005")}} {
		var shown []string
		for _, m := range cut(parts, 2) {
			shown = append(shown, m.Fixed(2))
		}
		if got := strings.Join(shown, " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"1.5E-7", "-0.00", "9e40", "1e-40"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMoney(s)
		if err != nil {
			return
		}
		if again, err := ParseMoney(m.String()); err != nil && len(m.String()) < maxDigits || err == nil && again.Cmp(m) != 0 {
			t.Errorf("%q is %s, which is %s, %v", s, m, again, err)
		}
	})
}
