using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>Max pooling (including P6's subsampling), upsampling and merging, global average pooling, and channel scaling.</summary>
internal static class PoolingCases
{
    public static IEnumerable<VerifiedOperator> Operators => [
        new("max pool",
        [
            MaxPooling(new(1, 1, 1, 1), 3, 2, 1),
            MaxPooling(new(2, 7, 9, 3), 3, 2, 1),
            MaxPooling(new(1, 10, 11, 91), 2, 2, 0),
            MaxPooling(new(1, 13, 5, 64), 3, 1, 1),
            MaxPooling(new(1, 6, 6, 5), 5, 3, 2),
            MaxPooling(new(1, 11, 7, 40), 1, 2, 0),
        ]),
        new("upsample", [.. Merges.Select(m => Upsampling(m.Top, m.Output))]),
        new("upsample-merge", [.. Merges.Select(m => Merging(m.Top, m.Output))]),
        new("global average pool", [.. Maps.Select(Average)]),
        new("scale channels", [.. Maps.Select(Scaling)]),
    ];

    private static (Shape4 Top, Shape4 Output)[] Merges => [
        (new(1, 1, 1, 3), new(1, 5, 7, 3)),
        (new(2, 3, 4, 91), new(2, 6, 8, 91)),
        (new(1, 5, 9, 64), new(1, 9, 17, 64)),
        (new(1, 10, 10, 5), new(1, 7, 3, 5)),
        (new(1, 13, 21, 8), new(1, 25, 42, 8)),
    ];

    // The last map has more pixels than one partial sum covers.
    private static Shape4[] Maps => [new(1, 1, 1, 1), new(2, 3, 5, 3), new(1, 17, 31, 91), new(3, 40, 33, 37)];

    private static VerificationCase MaxPooling(Shape4 shape, int kernel, int stride, int padding)
        => new($"{Name(shape)}, {kernel}×{kernel}, stride {stride}, padding {padding}", (device, findings)
        =>
        {
            // All values are negative, so that counting the padding as zero would be detected.
            var values = CaseValues.Uniform(shape.Count, 1, -3, -1);
            var expected = MaxPool2dReference.Run(values, shape, (kernel, kernel), (stride, stride), (padding, padding));
            using var input = Tensor.Upload(device, Of(shape), values);
            using var output = Tensor.Upload(
                device, MaxPool.OutputShape(input.Shape, kernel, stride, padding), CaseValues.Unwritten(expected.Length));
            MaxPool.Run(device, input, kernel, stride, padding, output);
            var outputShape = output.Shape;
            findings.Close(output.ToArray(), expected, 0, 0, [outputShape.N, outputShape.H, outputShape.W, outputShape.C]);
        });

    private static VerificationCase Upsampling(Shape4 top, Shape4 shape) => new($"{Name(top)} to {Name(shape)}", (device, findings)
    =>
    {
        var values = CaseValues.Uniform(top.Count, 3);
        using var input = Tensor.Upload(device, Of(top), values);
        using var output = Tensor.Upload(device, Of(shape), CaseValues.Unwritten(shape.Count));
        UpsampleMerge.Upsample(device, input, output);
        findings.Close(output.ToArray(), NearestUpsampleReference.Run(values, top, shape.H, shape.W), 0, 0, shape.ToArray());
    });

    private static VerificationCase Merging(Shape4 top, Shape4 shape) => new($"{Name(top)} and {Name(shape)}", (device, findings)
    =>
    {
        var (topValues, lateralValues) = (CaseValues.Uniform(top.Count, 3), CaseValues.Uniform(shape.Count, 4));
        var expected = MergeReference.Run(topValues, top, lateralValues, shape);
        using var deviceTop = Tensor.Upload(device, Of(top), topValues);
        using var lateral = Tensor.Upload(device, Of(shape), lateralValues);
        using var output = Tensor.Upload(device, Of(shape), CaseValues.Unwritten(shape.Count));
        UpsampleMerge.Run(device, lateral, deviceTop, output);
        findings.Close(output.ToArray(), expected, 0, 0, shape.ToArray());

        using var sameSize = Tensor.Upload(device, Of(shape), NearestUpsampleReference.Run(topValues, top, shape.H, shape.W));
        using var added = Tensor.Upload(device, Of(shape), CaseValues.Unwritten(shape.Count));
        UpsampleMerge.Merge(device, lateral, sameSize, added);
        findings.Close(added.ToArray(), expected, 0, 0, shape.ToArray(), "same size");

        UpsampleMerge.Run(device, lateral, deviceTop, lateral);
        findings.Close(lateral.ToArray(), expected, 0, 0, shape.ToArray(), "in place");
    });

    private static VerificationCase Average(Shape4 shape) => new(Name(shape), (device, findings)
    =>
    {
        var values = CaseValues.Uniform(shape.Count, 2, -1, 3);
        using var input = Tensor.Upload(device, Of(shape), values);
        using var output = Tensor.Upload(device, new Shape(shape.N, 1, 1, shape.C), CaseValues.Unwritten(shape.N * shape.C));
        GlobalAveragePool.Run(device, input, output);
        findings.Close(output.ToArray(), GlobalAveragePoolReference.Run(values, shape), 1e-5, 1e-5, [shape.N, shape.C]);
    });

    private static VerificationCase Scaling(Shape4 shape) => new(Name(shape), (device, findings)
    =>
    {
        var (values, gates) = (CaseValues.Uniform(shape.Count, 3), CaseValues.Uniform(shape.N * shape.C, 4, 0, 1));
        using var input = Tensor.Upload(device, Of(shape), values);
        using var deviceGates = Tensor.Upload(device, new Shape(shape.N, 1, 1, shape.C), gates);
        using var output = Tensor.Upload(device, Of(shape), CaseValues.Unwritten(shape.Count));
        ScaleChannels.Run(device, input, deviceGates, output);
        float[] expected = [.. shape.Elements().Select(e => values[shape.At(e.N, e.Y, e.X, e.C)] * gates[e.N * shape.C + e.C])];
        findings.Close(output.ToArray(), expected, 0, 1e-6, shape.ToArray());
    });

    private static Shape Of(Shape4 shape) => new(shape.N, shape.H, shape.W, shape.C);

    private static string Name(Shape4 shape) => Of(shape).ToString();
}
