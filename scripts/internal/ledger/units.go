package ledger

import (
	"fmt"
	"math/big"
)

// Units counts DynamoDB's capacity in half units, the smallest there is, so that
// sums are exact.
type Units int64

// ParseUnits reads a decimal such as 17.5.
func ParseUnits(s string) (Units, error) {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, fmt.Errorf("%q is no number of capacity units", s)
	}
	r.Mul(r, big.NewRat(2, 1))
	if !r.IsInt() || !r.Num().IsInt64() {
		return 0, fmt.Errorf("%s is no multiple of half a capacity unit", s)
	}
	return Units(r.Num().Int64()), nil
}

// Rat returns u in whole units.
func (u Units) Rat() *big.Rat { return big.NewRat(int64(u), 2) }

// String writes u in whole units: 17.5.
func (u Units) String() string {
	if u%2 == 0 {
		return fmt.Sprint(int64(u) / 2)
	}
	return fmt.Sprintf("%d.5", int64(u)/2)
}

// MarshalJSON writes a JSON number.
func (u Units) MarshalJSON() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalJSON reads a JSON number.
func (u *Units) UnmarshalJSON(b []byte) (err error) {
	*u, err = ParseUnits(string(b))
	return err
}
