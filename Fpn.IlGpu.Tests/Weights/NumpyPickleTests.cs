using System.Text;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Pickles of numpy arrays: Detectron2's (fixtures/make_checkpoints.py) and Caffe2's, which Python 2 wrote.</summary>
public class NumpyPickleTests
{
    [Test]
    public void A_file_like_those_of_Detectron2_is_read_in_every_protocol([Range(0, 5)] int protocol)
    {
        using var weights = WeightsFile.Open(Checkpoints.Fixture($"detectron2.protocol{protocol}.pkl"));
        Assert.That(weights.Format, Is.EqualTo("pickle"));
        Assert.That(weights.Tensors, Has.Count.EqualTo(17));
        Expect("f8", DataType.F64, -1, -0.5f, 0, 0.5f, 1, 1.5f);
        Expect("f4", DataType.F32, -1, -0.5f, 0, 0.5f, 1, 1.5f);
        Expect("f2", DataType.F16, -1, -0.5f, 0, 0.5f, 1, 1.5f);
        Expect("big", DataType.F32, -1, -0.5f, 0, 0.5f, 1, 1.5f);
        Expect("i8", DataType.I64, -2, -1, 0, 1, 2, 3);
        Expect("i4", DataType.I32, -2, -1, 0, 1, 2, 3);
        Expect("i2", DataType.I16, -2, -1, 0, 1, 2, 3);
        Expect("i1", DataType.I8, -2, -1, 0, 1, 2, 3);
        Expect("u1", DataType.U8, 0, 40, 80, 120, 160, 200);
        Expect("u2", DataType.U16, 0, 10000, 20000, 30000, 40000, 50000);
        Expect("b1", DataType.Bool, 0, 1, 0, 1, 0, 1);
        Assert.That(weights.Read("fortran", 2, 3, 4), Is.EqualTo(Enumerable.Range(0, 24).Select(i => (float)i)));
        Assert.That(weights.Read("sliced", 6), Is.EqualTo(new[] { 0f, 4, 8, 12, 16, 20 }));
        Assert.That(weights.Read("scalar"), Is.EqualTo(new[] { 2.5f }));
        Assert.That(weights.Read("zero_axes"), Is.EqualTo(new[] { 3.5f }));
        Assert.That(weights.Read("empty", 0, 4), Is.Empty);
        Assert.That(weights.Read("long", 3000), Is.EqualTo(Enumerable.Range(0, 3000).Select(i => (float)(i % 256))));

        void Expect(string name, DataType type, params float[] values)
        {
            Assert.That(weights[name].DataType, Is.EqualTo(type));
            Assert.That(weights.Read(name, 2, 3), Is.EqualTo(values), name);
        }
    }

    [TestCase(3)]
    [TestCase(2000)]
    public void A_file_like_those_of_Caffe2_from_Python_2_is_read(int count)
    {
        float[] values = [.. Enumerable.Range(0, count).Select(i => i * 0.37f - 1)];
        var pickle = new PickleWriter().Dictionary(w =>
        {
            w.Raw("blobs"u8.ToArray()).Dictionary(w =>
            {
                foreach (var name in (string[])["conv1_w", "conv1_w_momentum"])
                {
                    w.Raw(Encoding.ASCII.GetBytes(name));
                    w.Global("numpy.core.multiarray", "_reconstruct").Mark().Global("numpy", "ndarray").Numbers(0).Raw((byte)'b');
                    w.Tuple().Reduce().Mark().Int(1).Numbers(count, 1);
                    w.Global("numpy", "dtype").Mark().Raw("f4"u8.ToArray()).Int(0).Int(1).Tuple().Reduce();
                    w.Mark().Int(3).Raw((byte)'<').Op(PickleOpcode.None).Op(PickleOpcode.None).Op(PickleOpcode.None);
                    w.Int(-1).Int(-1).Int(0).Tuple().Op(PickleOpcode.Build);
                    w.Bool(false).Raw(Checkpoints.Floats(values)).Tuple().Op(PickleOpcode.Build);
                }
            });
            w.Raw("cfg"u8.ToArray()).Raw("MODEL: {}"u8.ToArray());
        }).End();
        using var weights = Checkpoints.Open(pickle);
        Assert.That(weights.Tensors.Keys, Is.EqualTo(new[] { "conv1_w" }));
        Assert.That(weights.Read("conv1_w", count, 1), Is.EqualTo(values));
    }

    [Test]
    public void Escapes_in_a_Python_2_string_of_protocol_0_are_decoded()
    {
        const string quoted = @"'\x00\x00\x80?\'\\\n\t\r\a\b\f\v\101""\x00'";
        var pickle = new PickleWriter(0).Mark().Op(PickleOpcode.Dict).Line(PickleOpcode.String, "'t'")
            .Array("u1", "|", [16], w => w.Line(PickleOpcode.String, quoted)).Op(PickleOpcode.SetItem).End();
        using var weights = Checkpoints.Open(pickle);
        Assert.That(
            weights.Read("t", 16),
            Is.EqualTo(new float[] { 0, 0, 128, '?', '\'', '\\', '\n', '\t', '\r', 7, 8, 12, 11, 'A', '"', 0 }));
    }

    [Test]
    public void Bytes_may_be_a_bytearray_or_a_long_buffer([Values("bytearray", "BYTEARRAY8", "BINBYTES8")] string how)
    {
        var data = Checkpoints.Floats(1.5f, -2);
        var pickle = Checkpoints.Pickle(w => w.Array("f4", "<", [2], w => _ = how switch
        {
            "bytearray" => w.Global("builtins", "bytearray").Op32(PickleOpcode.BinBytes, 8, data).Op(PickleOpcode.Tuple1).Reduce(),
            "BYTEARRAY8" => w.Op64(PickleOpcode.ByteArray8, 8, data).Op(PickleOpcode.ReadOnlyBuffer),
            _ => w.Op64(PickleOpcode.BinBytes8, 8, data),
        }));
        using var weights = Checkpoints.Open(pickle);
        Assert.That(weights.Read("t", 2), Is.EqualTo(new[] { 1.5f, -2 }));
    }

    [Test]
    public void Invalid_arrays_are_refused()
    {
        Assert.That(
            Checkpoints.Refusal(Checkpoints.Pickle(w => w.Array("c8", "<", [1], new byte[8]))),
            Is.EqualTo("model: the tensor 't' has the numpy type 'c8', which is not supported."));
        Assert.That(
            Checkpoints.Refusal(Checkpoints.Pickle(w => w.Array("f4", "<", [3], new byte[8]))),
            Is.EqualTo("model: the tensor 't' needs 12 bytes for F32 [3], but has 8."));
        Assert.That(
            Checkpoints.Refusal(Checkpoints.Pickle(w => w.Array("f4", "<", [-1], new byte[8]))),
            Does.Contain("'t' has an invalid shape"));
        Assert.That(
            Checkpoints.Refusal(Checkpoints.Pickle(w => w.Array("f4", "!", [2], new byte[8]))),
            Does.Contain("a state that does not fit"));
        Assert.That(
            Checkpoints.Refusal(Checkpoints.Pickle(w => w.Array("f4", "<", [2], w => w.Text("\u0100\u0100\u0100\u0100")))),
            Does.Contain("'t' has a string instead of bytes for its elements"));
        Assert.That(
            Checkpoints.Refusal(Checkpoints.Pickle(w => w.Array("f4", "<", [2], w => w.Text(new string('\u0100', 5000))))),
            Does.Contain("'t' has a string instead of bytes for its elements"));
        Assert.That(
            Checkpoints.Refusal(Checkpoints.Pickle(w => w
                .Global("numpy.core.multiarray", "_reconstruct").Mark().Global("numpy", "ndarray").Tuple().Reduce())),
            Does.Contain("'t' is a numpy array without elements"));
        Assert.That(
            Checkpoints.Refusal(Checkpoints.Pickle(w => w.Array("f4", "<", [int.MaxValue, int.MaxValue, int.MaxValue, 0], []))),
            Does.Contain("too large to count"));
    }
}
