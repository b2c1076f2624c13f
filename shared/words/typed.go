package words

// Fold takes letter case, accents and width off what somebody has typed, and leaves
// its ending: the beginning of the words that are Written so.
func Fold(typed string) string { return unaccented(plain(typed)) }
