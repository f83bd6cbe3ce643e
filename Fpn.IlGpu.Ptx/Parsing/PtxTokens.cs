namespace Fpn.IlGpu.Ptx;

/// <summary>One word, number or punctuation mark of PTX text.</summary>
/// <param name="Text">The characters; a word keeps its dots, as <c>ld.global.v4.f32</c> is one token.</param>
/// <param name="Line">The line in the text, from 1.</param>
internal readonly record struct PtxToken(string Text, int Line);

/// <summary>Splits PTX text into tokens, and drops comments.</summary>
internal static class PtxTokens
{
    public static List<PtxToken> Split(string text)
    {
        var tokens = new List<PtxToken>();
        var line = 1;
        for (var i = 0; i < text.Length;)
        {
            var start = i;
            if (text[i] == '\n')
                line++;
            if (char.IsWhiteSpace(text[i]))
            {
                i++;
            }
            else if (text.AsSpan(i).StartsWith("//"))
            {
                i = text.IndexOf('\n', i) is var end and >= 0 ? end : text.Length;
            }
            else if (text.AsSpan(i).StartsWith("/*"))
            {
                i = text.IndexOf("*/", i, StringComparison.Ordinal) + 2;
                if (i < 2)
                    throw new PtxException($"Line {line}: a comment does not end.");
                line += text.AsSpan(start, i - start).Count('\n');
            }
            else if (IsWord(text[i]))
            {
                // A level as in ".L2::128B" belongs to its word; a label's single colon does not.
                while (i < text.Length && (IsWord(text[i]) || text.AsSpan(i).StartsWith("::")))
                    i += IsWord(text[i]) ? 1 : 2;
                tokens.Add(new PtxToken(text[start..i], line));
            }
            else
            {
                tokens.Add(new PtxToken(text[i++].ToString(), line));
            }
        }
        return tokens;
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or '%' or '.';
}
