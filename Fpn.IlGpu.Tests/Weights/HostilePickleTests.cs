using System.Diagnostics;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Malicious pickles: each is refused quickly, with a sentence, and none of it is run.</summary>
public class HostilePickleTests
{
    [Test]
    public void A_call_of_os_system_is_refused_by_name_and_not_run(
        [Values("plain", "zip", "legacy")] string format, [Values("GLOBAL", "STACK_GLOBAL", "INST", "OBJ")] string how)
    {
        var canary = Path.Combine(Path.GetTempPath(), $"fpn-canary-{Guid.NewGuid():N}");
        var command = $"touch {canary}";
        var writer = new PickleWriter(4);
        writer = how switch
        {
            "GLOBAL" => writer.Global("os", "system").Text(command).Op(PickleOpcode.Tuple1).Reduce(),
            "STACK_GLOBAL" => writer.Text("os").Text("system").Op(PickleOpcode.StackGlobal).Text(command).Op(PickleOpcode.Tuple1).Reduce(),
            "INST" => writer.Mark().Text(command).Line(PickleOpcode.Inst, "os", "system"),
            _ => writer.Mark().Global("os", "system").Text(command).Op(PickleOpcode.Obj),
        };
        var pickle = writer.End();
        var message = Checkpoints.Refusal(format switch
        {
            "plain" => pickle,
            "zip" => Checkpoints.Zip(pickle),
            _ => Checkpoints.Legacy(pickle),
        });
        Assert.That(
            message,
            Is.EqualTo("model: refers to the Python global 'os.system', which no weights file needs; none of it was run."));
        Assert.That(File.Exists(canary), Is.False);
    }

    [TestCase("builtins", "eval")]
    [TestCase("builtins", "getattr")]
    [TestCase("__builtin__", "exec")]
    [TestCase("posix", "system")]
    [TestCase("subprocess", "Popen")]
    [TestCase("torch", "load")]
    [TestCase("torch.hub", "load")]
    [TestCase("numpy", "load")]
    [TestCase("collections.OrderedDict", "__init__")]
    [TestCase("collections", "OrderedDict.__init__")]
    [TestCase("numpy._core", "multiarray._reconstruct\u001b[31m")]
    public void Python_names_outside_the_list_are_refused(string module, string name)
    {
        var pickle = new PickleWriter(4).Text(module).Text(name).Op(PickleOpcode.StackGlobal).End();
        var message = Checkpoints.Refusal(pickle);
        Assert.That(message, Does.StartWith("model: refers to the Python global '").And.Contain("none of it was run"));
        Assert.That(message, Does.Not.Contain('\u001b'));
    }

    [Test]
    public void Impossible_calls_and_outside_references_are_refused()
    {
        Assert.That(
            Checkpoints.Refusal(new PickleWriter().Global("torch", "FloatStorage").Op(PickleOpcode.EmptyTuple).Reduce().End()),
            Does.Contain("a call of the name 'torch.FloatStorage', which can't be called"));
        Assert.That(
            Checkpoints.Refusal(new PickleWriter().Int(1).Op(PickleOpcode.EmptyTuple).Reduce().End()),
            Does.Contain("a call of a number, which can't be called"));
        Assert.That(
            Checkpoints.Refusal(new PickleWriter().Global("torch._utils", "_rebuild_tensor_v2").Op(PickleOpcode.EmptyTuple).Reduce().End()),
            Does.Contain("a call of 'torch._utils._rebuild_tensor_v2' with arguments that do not fit"));
        Assert.That(
            Checkpoints.Refusal(new PickleWriter().Text("a key").Op(PickleOpcode.BinPersId).End()),
            Does.Contain("a reference to an outside object that is not a storage"));
        Assert.That(Checkpoints.Refusal(new PickleWriter().Op(PickleOpcode.Ext1, 1).End()), Does.Contain("extension registry"));
        Assert.That(Checkpoints.Refusal(new PickleWriter(5).Op(PickleOpcode.NextBuffer).End()), Does.Contain("outside the file"));
    }

    [Test]
    public void Lists_and_dictionaries_that_contain_themselves_are_refused()
    {
        Quickly(() =>
        {
            var list = new PickleWriter().Op(PickleOpcode.EmptyList).Op(PickleOpcode.BinPut, 0)
                .Op(PickleOpcode.BinGet, 0).Op(PickleOpcode.Append).End();
            Assert.That(Checkpoints.Refusal(list), Does.Contain("holds a list of 1 items"));
            var dictionary = new PickleWriter().Op(PickleOpcode.EmptyDict).Op(PickleOpcode.BinPut, 0)
                .Text("model").Op(PickleOpcode.BinGet, 0).Op(PickleOpcode.SetItem).End();
            Assert.That(Checkpoints.Refusal(dictionary), Does.Contain("the keys 'model', but no named tensors"));
            var key = new PickleWriter().Op(PickleOpcode.EmptyDict).Op(PickleOpcode.BinPut, 0)
                .Op(PickleOpcode.BinGet, 0).Int(1).Op(PickleOpcode.SetItem).End();
            Assert.That(Checkpoints.Refusal(key), Does.Contain("the keys a dictionary of 1 entries"));
            var shape = Checkpoints.Pickle(w => w
                .Op(PickleOpcode.EmptyList).Op(PickleOpcode.BinPut, 0).Op(PickleOpcode.BinGet, 0).Op(PickleOpcode.Append)
                .Op(PickleOpcode.Pop).Global("numpy.core.numeric", "_frombuffer").Mark().Raw(1)
                .Global("numpy", "dtype").Text("u1").Op(PickleOpcode.Tuple1).Reduce()
                .Op(PickleOpcode.BinGet, 0).Text("C").Tuple().Reduce());
            Assert.That(Checkpoints.Refusal(shape), Does.Contain("'t' has an invalid shape"));
        });
    }

    [Test]
    public void Nearly_a_million_levels_or_marks_are_refused()
    {
        Quickly(() =>
        {
            byte[] nested = [0x80, 2, (byte)')', .. Enumerable.Repeat((byte)PickleOpcode.Tuple1, 900_000), (byte)'.'];
            Assert.That(Checkpoints.Refusal(nested), Does.Contain("holds a tuple of 1 items"));
            byte[] marks = [0x80, 2, .. Enumerable.Repeat((byte)PickleOpcode.Mark, 900_000), (byte)'.'];
            Assert.That(Checkpoints.Refusal(marks), Does.Contain("takes more from the stack than there is"));
            byte[] endless = [0x80, 2, .. Enumerable.Repeat((byte)PickleOpcode.EmptyDict, 5_000_000), (byte)'.'];
            Assert.That(Checkpoints.Refusal(endless), Does.Contain("more than 1000000 instructions"));
        });
    }

    [Test]
    public void A_long_dictionary_that_wraps_itself_under_every_key_is_refused()
    {
        var writer = new PickleWriter().Op(PickleOpcode.EmptyDict).Op(PickleOpcode.BinPut, 0).Mark();
        for (var i = 0; i < 300_000; i++)
            writer.Text($"{i}").Op(PickleOpcode.None);
        foreach (var key in (string[])["model", "state_dict", "model_state_dict", "ema", "module", "blobs"])
            writer.Text(key).Op(PickleOpcode.BinGet, 0);
        var pickle = writer.Op(PickleOpcode.SetItems).End();
        Quickly(() => Assert.That(Checkpoints.Refusal(pickle), Does.Contain("the keys '0', '1', '2', '3', '4', …, but no named")));
    }

    [Test]
    public void Copies_of_a_long_list_count_as_instructions()
    {
        var writer = new PickleWriter().Op(PickleOpcode.EmptyList).Op(PickleOpcode.BinPut, 0).Mark();
        for (var i = 0; i < 10_000; i++)
            writer.Op(PickleOpcode.EmptyTuple).Op(PickleOpcode.EmptyTuple).Op(PickleOpcode.Tuple2);
        writer.Op(PickleOpcode.Appends).Global("collections", "OrderedDict").Op(PickleOpcode.BinPut, 1);
        for (var i = 0; i < 100_000; i++)
            writer.Op(PickleOpcode.BinGet, 1).Op(PickleOpcode.BinGet, 0).Op(PickleOpcode.Tuple1).Reduce();
        Quickly(() => Assert.That(Checkpoints.Refusal(writer.End()), Does.Contain("more than 1000000 instructions")));
    }

    [Test]
    public void An_instruction_on_an_empty_stack_is_refused()
    {
        foreach (var opcode in new[]
        {
            PickleOpcode.Pop, PickleOpcode.PopMark, PickleOpcode.Dup, PickleOpcode.Tuple, PickleOpcode.Tuple3, PickleOpcode.Append,
            PickleOpcode.SetItems, PickleOpcode.Memoize, PickleOpcode.Reduce, PickleOpcode.Build, PickleOpcode.Obj,
            PickleOpcode.StackGlobal, PickleOpcode.BinPersId, (PickleOpcode)0xFF,
        })
        {
            Assert.That(
                Checkpoints.Refusal(new PickleWriter().Op(opcode).End()), Does.Contain("the pickle has, before byte 3"), $"{opcode}");
        }
    }

    [Test]
    public void Malformed_lines_and_lengths_are_refused()
    {
        foreach ((var opcode, var line) in new[]
        {
            (PickleOpcode.Int, "twelve"), (PickleOpcode.Int, ""), (PickleOpcode.Long, new string('9', 300)), (PickleOpcode.Float, "1,5"),
            (PickleOpcode.String, "no quotes"),
            (PickleOpcode.String, "'\\x1'"), (PickleOpcode.String, "'\\q'"), (PickleOpcode.String, "'\\'"),
            (PickleOpcode.Unicode, "\\u12"), (PickleOpcode.Unicode, "\\Uffffffff"), (PickleOpcode.Get, "-1"), (PickleOpcode.Get, "7"),
        })
        {
            Assert.That(
                Checkpoints.Refusal(new PickleWriter().Line(opcode, line).End()),
                Does.Contain("the pickle has, before byte"),
                $"{opcode} {line}");
        }

        Assert.That(Checkpoints.Refusal([0x80, 2, (byte)'X', 1, 0, 0, 0, 0xFF, (byte)'.']), Does.Contain("not valid UTF-8"));
        foreach (var opcode in new[]
        {
            PickleOpcode.BinUnicode8, PickleOpcode.BinBytes8, PickleOpcode.ByteArray8, PickleOpcode.Frame,
        })
        {
            foreach (var length in new[] { 1UL << 31, ulong.MaxValue, (ulong)long.MaxValue })
                Assert.That(Checkpoints.Refusal(new PickleWriter(4).Op64(opcode, length).End()), Does.Contain($"needs {length} bytes"));
        }

        foreach (var opcode in new[] { PickleOpcode.BinUnicode, PickleOpcode.BinString, PickleOpcode.BinBytes })
            Assert.That(Checkpoints.Refusal(new PickleWriter().Op32(opcode, 1U << 31).End()), Does.Contain("needs 2147483648 bytes"));
        Assert.That(
            Checkpoints.Refusal(new PickleWriter().Op32(PickleOpcode.Long4, 1U << 31).End()),
            Does.Contain("a number of 2147483648 bytes"));
    }

    private static void Quickly(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        action();
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(400L << 20));
    }
}
