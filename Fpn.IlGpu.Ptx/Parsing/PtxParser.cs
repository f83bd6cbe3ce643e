using System.Globalization;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// Parses PTX text: declarations, labels and instructions, with every register, immediate and variable resolved to a
/// register number. Inner braces are scopes, which calls and inline PTX use.
/// </summary>
internal sealed partial class PtxParser
{
    private readonly List<PtxToken> tokens;
    private readonly PtxModule module = new();
    private readonly PtxScopes scopes;
    private int at;

    private PtxParser(string text)
    {
        tokens = PtxTokens.Split(text);
        scopes = new PtxScopes(module);
    }

    public static PtxModule Parse(string text)
    {
        var parser = new PtxParser(text);
        while (parser.at < parser.tokens.Count)
            parser.ParseTopLevel();
        parser.scopes.PlaceDynamicShared();
        return parser.module;
    }

    private PtxToken Current => at < tokens.Count ? tokens[at] : new PtxToken("the end", 0);

    private void ParseTopLevel()
    {
        switch (Next())
        {
            case ".version" or ".target" or ".address_size":
                // Their values are on the same line, because no semicolon ends them.
                for (var line = tokens[at - 1].Line; at < tokens.Count && Current.Line == line;)
                    at++;
                break;
            case ".visible" or ".extern" or ".weak" or ";":
                break;
            case ".entry":
                ParseFunction(isEntry: true);
                break;
            case ".func":
                ParseFunction(isEntry: false);
                break;
            case ".shared":
                ParseVariable(".shared");
                break;
            default:
                throw Error($"'{tokens[at - 1].Text}' is not interpreted here");
        }
    }

    private void ParseFunction(bool isEntry)
    {
        PtxVariable? result = null;
        var outer = scopes.Open();
        if (Current.Text == "(")
            result = ParseParameters().Single();
        var function = new PtxFunction(Next()) { Result = result };
        if (Current.Text == "(")
            function.Parameters.AddRange(ParseParameters());
        while (Current.Text is ".maxntid" or ".reqntid" or ".minnctapersm")
        {
            var directive = Next();
            var first = int.Parse(Next(), CultureInfo.InvariantCulture);
            if (directive is ".maxntid" or ".reqntid")
                function.MaxThreads = first;
            while (Current.Text == ",")
                at += 2;
        }
        if (Current.Text != ";")
        {
            module.Functions[function.Name] = function;
            if (isEntry)
                module.Entry = function;
            Expect("{");
            ParseBlock(function);
        }
        scopes.Close(outer);
    }

    private List<PtxVariable> ParseParameters()
    {
        var parameters = new List<PtxVariable>();
        Expect("(");
        while (Current.Text != ")")
        {
            Expect(".param");
            parameters.Add(ParseDeclaration(".param"));
            if (Current.Text == ",")
                at++;
        }
        at++;
        return parameters;
    }

    /// <summary>Parses the statements up to the brace that closes the block.</summary>
    private void ParseBlock(PtxFunction function)
    {
        var branchTargets = new Dictionary<string, IReadOnlyList<string>>();
        while (Current.Text != "}")
        {
            var word = Current;
            if (word.Text == ";")
            {
                at++;
            }
            else if (word.Text == "{")
            {
                at++;
                var outer = scopes.Open();
                ParseBlock(function);
                scopes.Close(outer);
            }
            else if (word.Text == ".reg")
            {
                at++;
                ParseRegisters();
            }
            else if (word.Text is ".param" or ".shared" or ".local")
            {
                at++;
                ParseVariable(word.Text);
            }
            else if (at + 1 < tokens.Count && tokens[at + 1].Text == ":")
            {
                at += 2;
                if (Current.Text == ".branchtargets")
                    branchTargets[word.Text] = ParseTargets();
                else if (!function.Labels.TryAdd(word.Text, function.Statements.Count))
                    throw Error($"the label {word.Text} is defined twice");
            }
            else
            {
                function.Statements.Add(ParseStatement(branchTargets));
            }
        }
        at++;
    }

    private List<string> ParseTargets()
    {
        var targets = new List<string>();
        while (Next() != ";")
        {
            if (tokens[at - 1].Text is not ("," or ".branchtargets"))
                targets.Add(tokens[at - 1].Text);
        }
        return targets;
    }

    private void ParseRegisters()
    {
        // The type is skipped, because every instruction that uses the register repeats it.
        Next();
        do
        {
            var name = Next();
            if (Current.Text == "<")
            {
                at++;
                var count = int.Parse(Next(), CultureInfo.InvariantCulture);
                Expect(">");
                for (var i = 0; i < count; i++)
                    scopes.DeclareRegister(name + i.ToString(CultureInfo.InvariantCulture));
            }
            else
            {
                scopes.DeclareRegister(name);
            }
        }
        while (Next() == ",");
    }

    private void ParseVariable(string space)
    {
        ParseDeclaration(space);
        Expect(";");
    }

    /// <summary>Parses a declaration after its state space: <c>.align 8 .b8 name[16]</c>, <c>.b32 name</c>.</summary>
    private PtxVariable ParseDeclaration(string space)
    {
        var alignment = 1;
        if (Current.Text == ".align")
        {
            at++;
            alignment = int.Parse(Next(), CultureInfo.InvariantCulture);
        }
        var type = Next();
        var size = PtxTypes.Bytes(type.TrimStart('.'));
        var name = Next();
        int? count = 1;
        if (Current.Text == "[")
        {
            at++;
            count = Current.Text == "]" ? null : int.Parse(Next(), CultureInfo.InvariantCulture);
            Expect("]");
        }
        return scopes.DeclareVariable(space, name, Math.Max(alignment, size), count * size);
    }

    private string Next() => at < tokens.Count ? tokens[at++].Text : throw new PtxException("The text ends unexpectedly.");

    private void Expect(string text)
    {
        if (Next() != text)
            throw new PtxException($"Line {tokens[at - 1].Line}: '{tokens[at - 1].Text}' was found instead of '{text}'.");
    }

    private PtxException Error(string what) => new($"Line {Current.Line}: {what}.");
}
