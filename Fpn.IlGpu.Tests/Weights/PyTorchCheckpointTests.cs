using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Checkpoints written by PyTorch (fixtures/make_checkpoints.py) in both of its formats.</summary>
public class PyTorchCheckpointTests
{
    private static readonly string[] Formats = ["zip", "legacy"];

    [TestCase("zip")]
    [TestCase("legacy")]
    public void A_detector_has_the_same_weights_as_its_safetensors_file(string format)
    {
        var folder = Path.Combine(TestContext.CurrentContext.TestDirectory, "Parity", "fixtures");
        using var expected = WeightsFile.Open(Path.Combine(folder, "bottleneck-fpn.safetensors"));
        using var weights = WeightsFile.Open(Path.Combine(folder, $"bottleneck-fpn.{format}.pth"));
        Assert.That(expected.Format, Is.EqualTo("safetensors"));
        Assert.That(weights.Format, Is.EqualTo($"PyTorch {format}"));
        Assert.That(
            weights.Tensors.Keys.Where(name => !name.EndsWith("num_batches_tracked", StringComparison.Ordinal)),
            Is.EquivalentTo(expected.Tensors.Keys));
        Assert.That(expected.Tensors, Has.Count.GreaterThan(200));
        foreach (var tensor in expected.Tensors.Values)
        {
            Assert.That(
                weights.Read(tensor.Name, [.. tensor.Shape]).AsSpan().SequenceEqual(tensor.ToArray()), tensor.Name);
        }
    }

    [Test]
    public void Every_type_of_element_is_read([ValueSource(nameof(Formats))] string format)
    {
        using var weights = WeightsFile.Open(Checkpoints.Fixture($"dtypes.{format}.pth"));
        Expect("float64", DataType.F64, -1, -0.5f, 0, 0.5f, 1, 1.5f);
        Expect("float32", DataType.F32, -1, -0.5f, 0, 0.5f, 1, 1.5f);
        Expect("float16", DataType.F16, -1, -0.5f, 0, 0.5f, 1, 1.5f);
        Expect("bfloat16", DataType.BF16, -1, -0.5f, 0, 0.5f, 1, 1.5f);
        Expect("int64", DataType.I64, -2, -1, 0, 1, 2, 3);
        Expect("int32", DataType.I32, -2, -1, 0, 1, 2, 3);
        Expect("int16", DataType.I16, -2, -1, 0, 1, 2, 3);
        Expect("int8", DataType.I8, -2, -1, 0, 1, 2, 3);
        Expect("uint8", DataType.U8, 0, 40, 80, 120, 160, 200);
        Expect("bool", DataType.Bool, 0, 1, 0, 1, 0, 1);
        Assert.That(weights.Tensors, Has.Count.EqualTo(10));

        void Expect(string name, DataType type, params float[] values)
        {
            Assert.That(weights[name].DataType, Is.EqualTo(type));
            Assert.That(weights.Read(name, 2, 3), Is.EqualTo(values), name);
        }
    }

    [Test]
    public void Views_of_one_storage_are_read(
        [ValueSource(nameof(Formats))] string format, [Values("views", "views-protocol4")] string name)
    {
        using var weights = WeightsFile.Open(Checkpoints.Fixture($"{name}.{format}.pth"));
        Assert.That(
            weights.Tensors.Keys,
            Is.EqualTo(new[] { "base", "permuted", "part", "column", "scalar", "expanded", "empty", "windows", "parameter" }));
        Assert.That(weights.Read("base", 3, 4, 5), Is.EqualTo(Each(3, 4, 5, (z, y, x) => 20 * z + 5 * y + x)));
        Assert.That(weights.Read("permuted", 5, 3, 4), Is.EqualTo(Each(5, 3, 4, (x, z, y) => 20 * z + 5 * y + x)));
        Assert.That(weights.Read("part", 2, 2, 3), Is.EqualTo(Each(2, 2, 3, (z, y, x) => 20 * (z + 1) + 10 * y + x + 1)));
        Assert.That(weights.Read("column", 3), Is.EqualTo(new[] { 7f, 27, 47 }));
        Assert.That(weights.Read("scalar"), Is.EqualTo(new[] { 59f }));
        Assert.That(weights.Read("expanded", 3, 4), Is.EqualTo(Each(1, 3, 4, (_, y, _) => 7 + y)));
        Assert.That(weights.Read("empty", 3, 0, 5), Is.Empty);
        Assert.That(weights.Read("windows", 4, 3), Is.EqualTo(Each(1, 4, 3, (_, y, x) => y + x)));
        Assert.That(weights.Read("parameter", 4, 5), Is.EqualTo(Each(1, 4, 5, (_, y, x) => 5 * y + x)));
    }

    [Test]
    public void A_training_checkpoint_gives_the_model_without_wrapper_and_prefix([ValueSource(nameof(Formats))] string format)
    {
        using var weights = WeightsFile.Open(Checkpoints.Fixture($"training.{format}.pth"));
        Assert.That(
            weights.Tensors.Keys,
            Is.EqualTo(new[]
            {
                "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
            }));
        Assert.That(weights.Read("0.weight", 3, 2), Is.EqualTo(new[] { 0f, 1, 2, 3, 4, 5 }));
        Assert.That(weights.Read("1.running_var", 3), Is.EqualTo(new[] { 50f, 51, 52 }));
        Assert.That(weights.Read("1.num_batches_tracked"), Is.EqualTo(new[] { 60f }));
        Assert.That(weights["1.num_batches_tracked"].DataType, Is.EqualTo(DataType.I64));
    }

    [TestCase("model", "state_dict")]
    [TestCase("model")]
    [TestCase("state_dict")]
    [TestCase("model_state_dict")]
    [TestCase("ema", "module")]
    [TestCase("model_ema")]
    [TestCase]
    public void Wrappers_are_removed(params string[] wrappers)
    {
        var writer = new PickleWriter();
        foreach (var wrapper in wrappers)
            writer.Op(PickleOpcode.EmptyDict).Mark().Text("epoch").Int(3).Text("step").Tensor("1", 1, 0, [], []).Text(wrapper);
        writer.Dictionary(w => w.Text("w").Tensor("0", 2, 0, [2], [1]).Int(7).Text("an int is no name"));
        foreach (var _ in wrappers)
            writer.Op(PickleOpcode.SetItems);
        using var weights = Checkpoints.Open(
            Checkpoints.Zip(writer.End(), Checkpoints.Floats(5, 6), Checkpoints.Floats(1)));
        Assert.That(weights.Tensors.Keys, Is.EqualTo(new[] { "w" }));
        Assert.That(weights.Read("w", 2), Is.EqualTo(new[] { 5f, 6 }));
    }

    [Test]
    public void A_wrapper_key_without_tensors_is_not_a_wrapper()
    {
        var pickle = new PickleWriter().Dictionary(w => w
            .Text("model").Text("retinanet")
            .Text("module.w").Tensor("0", 2, 0, [2], [1])
            .Text("w").Tensor("0", 2, 1, [], [])
            .Text("module.w").Tensor("0", 2, 0, [], [])).End();
        using var weights = Checkpoints.Open(Checkpoints.Zip(pickle, Checkpoints.Floats(5, 6)));
        Assert.That(weights.Tensors.Keys, Is.EqualTo(new[] { "module.w", "w" }), "not all names have the prefix");
        Assert.That(weights.Read("module.w"), Is.EqualTo(new[] { 5f }), "the last tensor of a name counts");
        Assert.That(weights.Read("w"), Is.EqualTo(new[] { 6f }));
    }

    [Test]
    public void Untyped_storages_and_tensors_with_attributes_are_read()
    {
        var pickle = new PickleWriter().Dictionary(w =>
        {
            w.Text("v3").Global("torch._utils", "_rebuild_tensor_v3").Mark().Mark().Text("storage");
            w.Global("torch.storage", "UntypedStorage").Text("0").Text("cpu").Int(8).Tuple().Op(PickleOpcode.BinPersId);
            w.Int(1).Numbers(3).Numbers(1).Bool(false).Op(PickleOpcode.EmptyDict).Global("torch", "uint16").Tuple().Reduce();
            w.Text("subclass").Global("torch._tensor", "_rebuild_from_type_v2").Mark();
            w.Global("torch._utils", "_rebuild_tensor_v2").Global("torch.nn.parameter", "Parameter").Mark();
            w.Storage("FloatStorage", "1", 1).Int(0).Numbers().Numbers().Bool(true).Op(PickleOpcode.EmptyDict).Tuple();
            w.Op(PickleOpcode.EmptyDict).Tuple().Reduce();
        }).End();
        using var weights = Checkpoints.Open(
            Checkpoints.Zip(pickle, [1, 0, 2, 0, 3, 0, 0xFF, 0xFF], Checkpoints.Floats(9)));
        Assert.That(weights["v3"].DataType, Is.EqualTo(DataType.U16));
        Assert.That(weights.Read("v3", 3), Is.EqualTo(new[] { 2f, 3, 65535 }));
        Assert.That(weights.Read("subclass"), Is.EqualTo(new[] { 9f }));
    }

    [Test]
    public void A_legacy_storage_may_be_a_part_of_another()
    {
        var pickle = new PickleWriter().Dictionary(w =>
        {
            w.Text("t").Global("torch._utils", "_rebuild_tensor").Mark().Mark();
            w.Raw("storage"u8.ToArray()).Global("torch.cuda", "FloatStorage").Raw("0"u8.ToArray()).Raw("cuda:0"u8.ToArray()).Int(6);
            w.Mark().Text("17").Int(2).Int(3).Tuple().Tuple().Op(PickleOpcode.BinPersId);
            w.Int(1).Numbers(2).Numbers(1).Tuple().Reduce();
        }).End();
        using var weights = Checkpoints.Open(Checkpoints.Legacy(pickle, Checkpoints.Floats(0, 1, 2, 3, 4, 5)));
        Assert.That(weights.Read("t", 2), Is.EqualTo(new[] { 3f, 4 }));
    }

    [Test]
    public void An_ordered_dictionary_of_Python_2_is_a_list_of_pairs()
    {
        var pickle = new PickleWriter().Global("collections", "OrderedDict").Op(PickleOpcode.EmptyList).Mark()
            .Op(PickleOpcode.EmptyList).Mark().Raw("w"u8.ToArray()).Tensor("0", 2, 1, [], []).Op(PickleOpcode.Appends)
            .Op(PickleOpcode.Appends).Op(PickleOpcode.Tuple1).Reduce().End();
        using var weights = Checkpoints.Open(Checkpoints.Zip(pickle, Checkpoints.Floats(5, 6)));
        Assert.That(weights.Read("w"), Is.EqualTo(new[] { 6f }));
    }

    [Test]
    public void Reading_after_dispose_throws([ValueSource(nameof(Formats))] string format)
    {
        var weights = WeightsFile.Open(Checkpoints.Fixture($"views.{format}.pth"));
        weights.Dispose();
        Assert.That(() => weights["base"].ToArray(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => weights["permuted"].ToArray(), Throws.TypeOf<ObjectDisposedException>());
    }

    private static float[] Each(int depth, int height, int width, Func<int, int, int, float> value) => [
        .. from z in Enumerable.Range(0, depth)
           from y in Enumerable.Range(0, height)
           from x in Enumerable.Range(0, width)
           select value(z, y, x),
    ];
}
