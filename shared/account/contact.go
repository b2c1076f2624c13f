package account

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	maxEmail = 254 // bytes, RFC 5321 4.5.3.1.3 less the angle brackets
	maxLocal = 64  // bytes before the @
)

var (
	domainForm = regexp.MustCompile(`^([\p{L}\p{N}]([\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?\.)+[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])$`)
	phoneForm  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	phoneNoise = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "")
)

// NormalEmail returns the one spelling under which an address is kept and looked
// up, and whether it is an address at all. Letter case is ignored throughout;
// nothing that mail providers do of their own, such as dots, is.
func NormalEmail(s string) (string, bool) {
	s = norm.NFC.String(strings.ToLower(norm.NFC.String(strings.TrimSpace(s))))
	at := strings.LastIndexByte(s, '@')
	if len(s) > maxEmail || at < 1 || at > maxLocal || strings.ContainsFunc(s, blank) || s[0] == '"' {
		return s, false
	}
	parsed, err := mail.ParseAddress(s)
	ok := err == nil && parsed.Address == s && parsed.Name == "" && domainForm.MatchString(s[at+1:])
	return s, ok
}

// blank is what an address can't hold: spaces, control characters, invisible ones.
func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zs)
}

// normalPhone returns a number in E.164 without what people put in for reading.
func normalPhone(s string) (string, bool) {
	s = phoneNoise.Replace(strings.TrimSpace(s))
	return s, phoneForm.MatchString(s)
}

// countries are the officially assigned codes of ISO 3166-1 alpha-2.
const countries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT " +
	"MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"

func normalCountry(s string) (string, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	return s, len(s) == 2 && !strings.Contains(s, " ") && strings.Contains(countries, s)
}
