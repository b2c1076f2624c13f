package account

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/problem"
	"parley/shared/quota"
)

func good() Application {
	return Application{Name: "Ada Lovelace", Email: "ada@example.com", Password: "correct horse battery", Phone: "+12025550123", Country: "GB"}
}

func TestValidateNormalises(t *testing.T) {
	a := Application{Name: "  Zoe\u0308 ", Email: " Ada.Lovelace@EXAMPLE.com ", Password: " spaces count ", Phone: " +1 (202) 555-0123", Country: "gb "}
	got, err := a.Validate()
	if err != nil {
		t.Fatal(err)
	}
	want := Application{Name: "Zo\u00eb", Email: "ada.lovelace@example.com", Password: " spaces count ", Phone: "+12025550123", Country: "GB"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestValidateRefuses(t *testing.T) {
	long := strings.Repeat("x", 101)
	cases := []struct {
		field, value, code string
	}{
		{"name", "", "name_invalid"}, {"name", "   ", "name_invalid"}, {"name", long, "name_invalid"},
		{"name", "a\nb", "name_invalid"}, {"name", "a\u2028b", "name_invalid"}, {"name", "a\u202eb", "name_invalid"},
		{"name", "a\u0085b", "name_invalid"}, {"name", "\ufeff", "name_invalid"},
		{"email", "", "email_invalid"}, {"email", "ada", "email_invalid"}, {"email", "@example.com", "email_invalid"},
		{"email", "ada@", "email_invalid"}, {"email", "ada@localhost", "email_invalid"}, {"email", "a b@example.com", "email_invalid"},
		{"email", "ada@exa mple.com", "email_invalid"}, {"email", "Ada <ada@example.com>", "email_invalid"},
		{"email", "ada@example.com, eve@example.com", "email_invalid"}, {"email", `"a b"@example.com`, "email_invalid"},
		{"email", "ada@example.com\r\nBcc: eve@example.com", "email_invalid"}, {"email", "ada@-example.com", "email_invalid"},
		{"email", "ada@example..com", "email_invalid"}, {"email", "ada@[127.0.0.1]", "email_invalid"}, {"email", "a..b@example.com", "email_invalid"},
		{"email", "ad\u200ba@example.com", "email_invalid"}, {"email", "ada@example.com(x)", "email_invalid"},
		{"email", strings.Repeat("x", 65) + "@example.com", "email_invalid"},
		{"email", "x@" + strings.Repeat(strings.Repeat("y", 60)+".", 5) + "com", "email_invalid"},
		{"phone", "", "phone_invalid"}, {"phone", "12025550123", "phone_invalid"}, {"phone", "+02025550123", "phone_invalid"},
		{"phone", "+123456", "phone_invalid"}, {"phone", "+1234567890123456", "phone_invalid"}, {"phone", "+1202555x123", "phone_invalid"},
		{"phone", "+1202555\u0660123", "phone_invalid"}, {"phone", "++12025550123", "phone_invalid"},
		{"country", "", "country_invalid"}, {"country", "XX", "country_invalid"}, {"country", "UK", "country_invalid"},
		{"country", "USA", "country_invalid"}, {"country", "D ", "country_invalid"}, {"country", " E", "country_invalid"},
		{"password", "", "password_too_short"}, {"password", "ninechars", "password_too_short"},
		{"password", strings.Repeat("xy9!z", 52), "password_too_long"}, {"password", "password12", "password_well_known"},
		{"password", "QWERTYUIOP", "password_well_known"}, {"password", "1111111111", "password_well_known"},
		{"password", "abcabcabcabca", "password_well_known"}, {"password", "abcdefghijkl", "password_well_known"},
		{"password", "9876543210", "password_well_known"},
	}
	for _, tc := range cases {
		a := good()
		*map[string]*string{"name": &a.Name, "email": &a.Email, "phone": &a.Phone, "country": &a.Country, "password": &a.Password}[tc.field] = tc.value
		_, err := a.Validate()
		e, ok := errors.AsType[*problem.Error](err)
		if !ok || len(e.Fields) != 1 || e.Fields[0].Field != tc.field || e.Code != tc.code {
			t.Errorf("%s %q: %v, want %s", tc.field, tc.value, err, tc.code)
		}
	}
}

func TestValidateTakes(t *testing.T) {
	for _, a := range []Application{
		{"李", "user+tag@sub.example.co.uk", "pässwörter", "+4915112345678", "DE"},
		{strings.Repeat("é", 100), "δοκιμή@παράδειγμα.gr", strings.Repeat("界", 100) + strings.Repeat("語x", 78), "+1234567", "JP"},
		{"O'Neil-Šmíd 🙂", "o'neil_1@xn--bcher-kva.example", "Tr0ub4dor&3", "+123456789012345", "CZ"},
	} {
		if _, err := a.Validate(); err != nil {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

func TestValidateNamesEveryBadField(t *testing.T) {
	_, err := Application{Password: "short"}.Validate()
	e, ok := errors.AsType[*problem.Error](err)
	if !ok || e.Kind != problem.Invalid {
		t.Fatal(err)
	}
	var fields []string
	for _, f := range e.Fields {
		fields = append(fields, f.Field)
	}
	if d := cmp.Diff([]string{"name", "email", "phone", "country", "password"}, fields); d != "" {
		t.Error(d)
	}
}

func TestCountriesAreComplete(t *testing.T) {
	codes := strings.Fields(countries)
	if len(codes) != 249 {
		t.Errorf("%d codes, want the 249 of ISO 3166-1", len(codes))
	}
}

func FuzzNormalEmail(f *testing.F) {
	for _, s := range []string{"ada@example.com", "A@B.co", "x@y", "\"a\"@b.cc", "a@b.c\u0301d", "İ@example.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		email, ok := NormalEmail(s)
		if !ok {
			return
		}
		again, ok := NormalEmail(email)
		if !ok || again != email {
			t.Errorf("%q became %q, which becomes %q, %v", s, email, again, ok)
		}
		if strings.ContainsAny(email, " \r\n\x00,<>") || len(email) > maxEmail {
			t.Errorf("%q is no address", email)
		}
	})
}

func TestHashMatchesOnlyItsPassword(t *testing.T) {
	phc := hashPassword("correct horse battery")
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Error(phc)
	}
	if !matches(phc, "correct horse battery") || matches(phc, "correct horse batterz") || matches(phc, "") {
		t.Error("the hash doesn't tell its password from others")
	}
	if hashPassword("correct horse battery") == phc {
		t.Error("two hashes have one salt")
	}
	if !matches(hashPassword("pässwörter"), "pa\u0308sswo\u0308rter") {
		t.Error("the same password from another keyboard doesn't match")
	}
	for _, bad := range []string{"", "x", "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA", "$argon2id$v=19$m=1,t=0,p=0$AAAA$AAAA", phc + "$"} {
		if matches(bad, "correct horse battery") {
			t.Errorf("%q matches", bad)
		}
	}
}

// What a check costs is judged by what it allocates: argon2's memory, which is
// the same each time, where the time depends on what else the machine does.
func TestUnknownUserCostsAsMuchAsAWrongPassword(t *testing.T) {
	cost := func(u User) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if rightPassword(u, "a guess of somebody's") {
			t.Error("a guess was right")
		}
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) >> 20
	}
	known := cost(User{Password: hashPassword("correct horse battery")})
	unknown := cost(User{})
	if known != unknown || unknown != hashMemory>>10 {
		t.Errorf("%d MiB for a known address, %d MiB for an unknown one", known, unknown)
	}
	costs := func(phc string) string { return strings.Join(strings.Split(phc, "$")[:4], "$") }
	if costs(dummy) != costs(hashPassword("x")) || len(dummy) != len(hashPassword("x")) {
		t.Error("the dummy has other costs than a real hash")
	}
}

func TestWaitsGrow(t *testing.T) {
	l := Limit{Free: 3, Window: time.Hour, Max: 10 * time.Second}
	var got []time.Duration
	for n := 1; n <= 9; n++ {
		got = append(got, l.Wait(n)/time.Second)
	}
	if d := cmp.Diff([]time.Duration{0, 0, 0, 1, 2, 4, 8, 10, 10}, got); d != "" {
		t.Error(d)
	}
	if l.Wait(1<<40) != l.Max {
		t.Error("a wait ran over")
	}
}

func TestPlaceIsOneNetwork(t *testing.T) {
	for viewer, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::1": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "": "unknown", "x": "unknown",
	} {
		if got := place(viewer); got != want {
			t.Errorf("%s is %s, want %s", viewer, got, want)
		}
	}
}

func TestSubscriptionEnds(t *testing.T) {
	now := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	u := User{Plan: quota.Premium, SubscriptionTill: now, Own: quota.Limits{MessagesPerHour: 7}}
	if got := u.Identity(now.Add(-time.Second)); got.Plan != quota.Premium || got.Limits.TokensPerMessage != 131072 {
		t.Errorf("before its end: %+v", got)
	}
	if got := u.Identity(now); got.Plan != quota.Free || got.Limits != (quota.Limits{MessagesPerHour: 7, TokensPerMessage: 4096, StorageBytes: 5 << 30}) {
		t.Errorf("at its end: %+v", got)
	}
}
