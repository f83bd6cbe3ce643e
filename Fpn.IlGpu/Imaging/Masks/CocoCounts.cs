using System.Globalization;
using System.Text;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// COCO's compressed run lengths. From the fourth on, a number is the difference from the run two before. Numbers are
/// written with five bits per character, lowest first, in two's complement; bit 5 says that more characters follow, and 48
/// ('0') is added:
/// <code>character = 48 + (more · 32) + (number &gt;&gt; 5 · i &amp; 31)</code>
/// </summary>
internal static class CocoCounts
{
    private const int FirstCharacter = 48;
    private const int Bits = 5;
    private const int More = 1 << Bits;
    private const int Sign = More >> 1;

    // 35 bits: the difference of two runs needs 33 at most.
    private const int MostCharacters = 7;

    public static string Encode(ReadOnlySpan<int> runs)
    {
        var text = new StringBuilder();
        for (var i = 0; i < runs.Length; i++)
        {
            var number = i > 2 ? runs[i] - runs[i - 2] : runs[i];
            var more = true;
            while (more)
            {
                var part = number & (More - 1);
                number >>= Bits;

                // The number ends when the remaining bits only repeat the sign bit of this part.
                more = number != ((part & Sign) != 0 ? -1 : 0);
                text.Append((char)(FirstCharacter + part + (more ? More : 0)));
            }
        }
        return text.ToString();
    }

    /// <exception cref="FormatException">The text is not a valid result of <see cref="Encode"/>.</exception>
    public static int[] Decode(string text)
    {
        var runs = new List<int>();
        for (var place = 0; place < text.Length;)
        {
            var run = ReadNumber(text, ref place) + (runs.Count > 2 ? runs[^2] : 0);
            if (run is < 0 or > int.MaxValue)
            {
                throw new FormatException(
                    string.Create(CultureInfo.InvariantCulture, $"Run {runs.Count} of the mask's counts has {run} px."));
            }
            runs.Add((int)run);
        }
        return [.. runs];
    }

    private static long ReadNumber(string text, ref int place)
    {
        long number = 0;
        var first = place;
        for (var i = 0; i < MostCharacters; i++)
        {
            if (place == text.Length)
                throw new FormatException($"The mask's counts break off within the number at character {first}.");
            var code = text[place] - FirstCharacter;
            if (code is < 0 or >= 2 * More)
            {
                throw new FormatException(
                    $"The mask's counts have U+{(int)text[place]:X4} at character {place}, which is not a valid character.");
            }
            place++;
            number |= (long)(code & (More - 1)) << (Bits * i);
            if ((code & More) == 0)
                return (code & Sign) != 0 ? number | (-1L << (Bits * (i + 1))) : number;
        }
        throw new FormatException($"The number at character {first} of the mask's counts is too long.");
    }
}
