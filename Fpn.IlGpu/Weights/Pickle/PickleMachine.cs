using System.Runtime.InteropServices;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Runs a pickle: a program of <see cref="PickleOpcode"/>s that leaves one object on a stack. Python's own machine imports and
/// calls whatever a pickle names, so that an untrusted checkpoint can do anything. This one knows only a few names
/// (<see cref="PickleGlobals"/>), all of which create inert values: no code of a file is ever executed. The machine is a loop
/// without recursion, and every instruction creates at most one object, so that the number of instructions bounds time and
/// memory. Source: Python's modules pickle and pickletools.
/// </summary>
/// <param name="reader">Positioned at the beginning of the pickle; left after its end.</param>
/// <param name="source">The file, for messages.</param>
/// <param name="persistentLoad">Resolves a reference to an object outside the pickle; null to refuse references.</param>
internal sealed class PickleMachine(
    PickleReader reader, SourceName source, Func<object?, object?>? persistentLoad = null)
{
    /// <summary>A checkpoint uses about 30 instructions per tensor.</summary>
    private const int MostInstructions = 1_000_000;

    private const int NewestProtocol = 5;

    private readonly List<object?> stack = [];
    private readonly List<int> marks = [];
    private readonly Dictionary<ulong, object?> memo = [];
    private int left = MostInstructions;

    /// <summary>Runs the pickle and returns its object.</summary>
    /// <exception cref="WeightsException">
    /// The pickle is truncated or invalid, or needs something that no weights file needs.
    /// </exception>
    public object? Load()
    {
        while (true)
        {
            Spend(1);
            var opcode = (PickleOpcode)reader.Byte();
            if (opcode == PickleOpcode.Stop)
                return Pop();
            if (!Constant(opcode) && !Container(opcode) && !Memo(opcode) && !Call(opcode))
                throw reader.Wrong($"the byte 0x{(byte)opcode:X2}, which is not an instruction");
        }
    }

    private void Spend(int instructions)
    {
        left -= instructions;
        if (left < 0)
            throw source.Wrong($"the pickle has more than {MostInstructions} instructions, more than a weights file needs");
    }

    private bool Constant(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto:
                var protocol = reader.Byte();
                if (protocol > NewestProtocol)
                    throw source.Wrong($"the pickle uses protocol {protocol}; the newest supported one is {NewestProtocol}");
                return true;
            case PickleOpcode.Frame:
                reader.Require(reader.Unsigned(8));
                return true;
            case PickleOpcode.None:
                return Push(null);
            case PickleOpcode.NewTrue:
                return Push(true);
            case PickleOpcode.NewFalse:
                return Push(false);
            case PickleOpcode.Int:
                return Push(reader.IntegerLine(mayBeBool: true));
            case PickleOpcode.BinInt:
                return Push((long)(int)reader.Unsigned(4));
            case PickleOpcode.BinInt1:
                return Push((long)reader.Byte());
            case PickleOpcode.BinInt2:
                return Push((long)reader.Unsigned(2));
            case PickleOpcode.Long:
                return Push(reader.IntegerLine(mayBeBool: false));
            case PickleOpcode.Long1:
                return Push(reader.Long(reader.Byte()));
            case PickleOpcode.Long4:
                return Push(reader.Long(reader.Unsigned(4)));
            case PickleOpcode.Float:
                return Push(reader.FloatLine());
            case PickleOpcode.BinFloat:
                return Push(reader.Double());
            case PickleOpcode.String:
                return Push(reader.QuotedLine());
            case PickleOpcode.BinString:
                return Push(reader.Text(reader.Unsigned(4), isUtf8: false));
            case PickleOpcode.ShortBinString:
                return Push(reader.Text(reader.Byte(), isUtf8: false));
            case PickleOpcode.Unicode:
                return Push(reader.EscapedLine());
            case PickleOpcode.BinUnicode:
                return Push(reader.Text(reader.Unsigned(4), isUtf8: true));
            case PickleOpcode.ShortBinUnicode:
                return Push(reader.Text(reader.Byte(), isUtf8: true));
            case PickleOpcode.BinUnicode8:
                return Push(reader.Text(reader.Unsigned(8), isUtf8: true));
            case PickleOpcode.BinBytes:
                return Push(new PickleBytes(reader.Bytes(reader.Unsigned(4))));
            case PickleOpcode.ShortBinBytes:
                return Push(new PickleBytes(reader.Bytes(reader.Byte())));
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8:
                return Push(new PickleBytes(reader.Bytes(reader.Unsigned(8))));
            case PickleOpcode.ReadOnlyBuffer:
                return true;
            default:
                return false;
        }
    }

    private bool Container(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Mark:
                marks.Add(stack.Count);
                return true;
            case PickleOpcode.Pop when stack.Count == Floor && marks.Count > 0:
                marks.RemoveAt(marks.Count - 1);
                return true;
            case PickleOpcode.Pop:
                Pop();
                return true;
            case PickleOpcode.PopMark:
                PopToMark();
                return true;
            case PickleOpcode.Dup:
                return Push(Top());
            case PickleOpcode.EmptyTuple:
                return Push(PickleTuple.Empty);
            case PickleOpcode.Tuple:
                return Push(new PickleTuple(PopToMark()));
            case PickleOpcode.Tuple1:
                return Push(new PickleTuple([Pop()]));
            case PickleOpcode.Tuple2:
                return Push(new PickleTuple(Pop(2)));
            case PickleOpcode.Tuple3:
                return Push(new PickleTuple(Pop(3)));
            case PickleOpcode.EmptyList or PickleOpcode.EmptySet:
                return Push(new PickleList());
            case PickleOpcode.List or PickleOpcode.FrozenSet:
                return Push(ListOf(PopToMark()));
            case PickleOpcode.Append:
                var item = Pop();
                TopAs<PickleList>("a list").Add(item);
                return true;
            case PickleOpcode.Appends or PickleOpcode.AddItems:
                var items = PopToMark();
                TopAs<PickleList>("a list").AddRange(items);
                return true;
            case PickleOpcode.EmptyDict:
                return Push(new PickleDictionary());
            case PickleOpcode.Dict:
                return Push(Fill(new PickleDictionary(), PopToMark()));
            case PickleOpcode.SetItem:
                var pair = Pop(2);
                Fill(TopAs<PickleDictionary>("a dictionary"), pair);
                return true;
            case PickleOpcode.SetItems:
                var pairs = PopToMark();
                Fill(TopAs<PickleDictionary>("a dictionary"), pairs);
                return true;
            default:
                return false;
        }
    }

    private bool Memo(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Put:
                memo[MemoLine()] = Top();
                return true;
            case PickleOpcode.BinPut:
                memo[reader.Byte()] = Top();
                return true;
            case PickleOpcode.LongBinPut:
                memo[reader.Unsigned(4)] = Top();
                return true;
            case PickleOpcode.Memoize:
                memo[(ulong)memo.Count] = Top();
                return true;
            case PickleOpcode.Get:
                return Push(Remembered(MemoLine()));
            case PickleOpcode.BinGet:
                return Push(Remembered(reader.Byte()));
            case PickleOpcode.LongBinGet:
                return Push(Remembered(reader.Unsigned(4)));
            default:
                return false;
        }
    }

    private bool Call(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Global:
                return Push(Global(reader.NameLine(), reader.NameLine()));
            case PickleOpcode.StackGlobal:
                return Pop(2) is [string module, string name]
                    ? Push(Global(module, name))
                    : throw reader.Wrong("a global whose name is not a string");
            case PickleOpcode.Inst:
                return Push(Call(Global(reader.NameLine(), reader.NameLine()), PopToMark()));
            case PickleOpcode.Obj:
                var all = PopToMark();
                if (all.Length == 0)
                    throw reader.Wrong("an object without its class");
                return Push(Call(all[0], all[1..]));
            case PickleOpcode.Reduce or PickleOpcode.NewObj:
                var arguments = Pop();
                return Push(Call(Pop(), (arguments as PickleTuple)?.Items));
            case PickleOpcode.NewObjEx:
                if (Pop() is not PickleDictionary { Items.Count: 0 })
                    throw reader.Wrong("an object created with keyword arguments");
                var positional = Pop();
                return Push(Call(Pop(), (positional as PickleTuple)?.Items));
            case PickleOpcode.Build:
                var state = Pop();
                if (!PickleGlobals.Build(Top(), state))
                    throw reader.Wrong($"a state that does not fit {PickleView.Describe(Top())}");
                return true;
            case PickleOpcode.BinPersId:
                return Push(Outside(Pop()));
            case PickleOpcode.PersId:
                return Push(Outside(reader.NameLine()));
            case PickleOpcode.Ext1 or PickleOpcode.Ext2 or PickleOpcode.Ext4:
                throw reader.Wrong("a name from Python's extension registry, which no weights file needs");
            case PickleOpcode.NextBuffer:
                throw reader.Wrong("a buffer that is stored outside the file");
            default:
                return false;
        }
    }

    private PickleGlobal Global(string module, string name)
    {
        if (PickleGlobals.Find(module, name) is { } known)
            return known;
        var asked = WeightsException.Quote($"{module}.{name}");
        throw IsModel()
            ? source.Wrong(
                $"holds a whole model object of the class {asked}, not a state dictionary: " +
                "save model.state_dict() instead; none of it was run")
            : source.Wrong(
                $"refers to the Python global {asked}, which no weights file needs; none of it was run");
    }

    /// <summary>
    /// Whether the class that was just named is that of a whole model: the first object of the file or an object under a
    /// model's key, created without arguments; or an object that the legacy format marks with 'module'.
    /// </summary>
    private bool IsModel()
    {
        if (stack is [.., "module"])
            return true;
        if (stack is not ([] or [.., "model" or "ema" or "state_dict"]))
            return false;
        ReadOnlySpan<byte> next = reader.Peek(8);
        var put = next switch
        {
            [(byte)PickleOpcode.BinPut, ..] => 2,
            [(byte)PickleOpcode.LongBinPut, ..] => 5,
            [(byte)PickleOpcode.Memoize, ..] => 1,
            _ => 0,
        };
        return next.Length >= put
            && next[put..] is [(byte)PickleOpcode.EmptyTuple, (byte)PickleOpcode.NewObj, ..];
    }

    private object? Call(object? what, IReadOnlyList<object?>? arguments)
    {
        if (what is not PickleGlobal { Call: { } call } global)
            throw reader.Wrong($"a call of {PickleView.Describe(what)}, which can't be called");
        // A call may copy a list, which takes time in proportion to its length.
        foreach (var argument in arguments ?? [])
        {
            if (argument is PickleList list)
                Spend(list.Items.Count);
        }

        var result = arguments is null ? null : call(arguments);
        return result ?? throw reader.Wrong(
            $"a call of {WeightsException.Quote(global.Name)} with arguments that do not fit");
    }

    private object Outside(object? id)
        => persistentLoad?.Invoke(id) ?? throw reader.Wrong("a reference to an outside object that is not a storage");

    private ulong MemoLine() => reader.IntegerLine(mayBeBool: false) is long number and >= 0
        ? (ulong)number
        : throw reader.Wrong("an invalid memo index");

    private object? Remembered(ulong place) => memo.TryGetValue(place, out var value)
        ? value
        : throw reader.Wrong($"the memo index {place}, which is not set");

    /// <summary>Items below the last mark can't be reached until the mark is removed.</summary>
    private int Floor => marks.Count == 0 ? 0 : marks[^1];

    private bool Push(object? value)
    {
        stack.Add(value);
        return true;
    }

    private object? Top() => stack.Count > Floor ? stack[^1] : throw Underflow();

    private T TopAs<T>(string what)
        where T : class
        => Top() as T ?? throw reader.Wrong($"items for {what}, but {PickleView.Describe(Top())} is on the stack");

    private object? Pop()
    {
        var value = Top();
        stack.RemoveAt(stack.Count - 1);
        return value;
    }

    /// <summary>Pops the topmost items; the last one was on top.</summary>
    private object?[] Pop(int count)
    {
        if (stack.Count - Floor < count)
            throw Underflow();
        object?[] values = [.. CollectionsMarshal.AsSpan(stack)[^count..]];
        stack.RemoveRange(stack.Count - count, count);
        return values;
    }

    private object?[] PopToMark()
    {
        if (marks.Count == 0)
            throw reader.Wrong("the end of a group that was never begun");
        var values = Pop(stack.Count - Floor);
        marks.RemoveAt(marks.Count - 1);
        return values;
    }

    private static PickleList ListOf(object?[] items)
    {
        var list = new PickleList();
        if (items.Length > 0)
            list.AddRange(items);
        return list;
    }

    private PickleDictionary Fill(PickleDictionary dictionary, ReadOnlySpan<object?> pairs)
    {
        if (pairs.Length % 2 != 0)
            throw reader.Wrong("a key without a value");
        for (var i = 0; i < pairs.Length; i += 2)
            dictionary.Add(pairs[i], pairs[i + 1]);
        return dictionary;
    }

    private WeightsException Underflow() => reader.Wrong("an instruction that takes more from the stack than there is");
}
