package words

import (
	"strings"
	"testing"
)

// paragraphs are of the languages that take different ways through the package.
var paragraphs = map[string]string{
	"English": `The quick way to a fast service is to measure it first. Most people guess where time is lost, and most of them are wrong;
a profile takes a minute and saves a week. "Don't optimise what you haven't measured", said the engineer (who had been there before).
You can use pprof.StartCPUProfile(f) for that, or set GODEBUG=gctrace=1 and read what the collector's log says about 2.5 GB of heap.

`,
	"Russian": `Быстрый способ ускорить сервис — сначала измерить его. Большинство людей угадывают, где теряется время, и чаще всего ошибаются;
профилирование занимает минуту и экономит неделю. «Не оптимизируйте то, что не измерили», — говорил инженер, который уже бывал в таких ситуациях.
Для этого можно использовать стандартные инструменты языка или прочитать журналы сборщика мусора за последние 24 часа.

`,
	"Chinese": `让服务变快的最好办法是先测量它。大多数人都在猜测时间花在哪里，而且大多数人都猜错了；一次性能分析只需要一分钟，却能节省一个星期的时间。
“不要优化你没有测量过的东西”，那位有经验的工程师这样说。你可以使用 pprof 工具，也可以阅读垃圾回收器的日志。

`,
}

func BenchmarkTokens(b *testing.B) {
	for _, language := range []string{"English", "Russian", "Chinese"} {
		p := paragraphs[language]
		text := strings.Repeat(p, 1<<20/len(p))
		b.Run(language, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				var m Memory
				for range m.Tokens(text) {
				}
			}
		})
	}
}
