using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;

namespace Fpn.IlGpu.Verification;

/// <summary>Preprocessing of a picture's pixels to the network's input, resized as in torchvision and as in Pillow.</summary>
internal static class PreprocessCases
{
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Std = [0.229f, 0.224f, 0.225f];

    public static IEnumerable<VerifiedOperator> Operators => [
        new("preprocess",
        [
            Case(Bilinear, 1, 1, 32, 32, bgr: false),
            Case(Bilinear, 50, 1, 1, 13, bgr: false),
            Case(Bilinear, 31, 17, 64, 35, bgr: false),
            Case(Bilinear, 40, 60, 20, 30, bgr: true),
            Case(Bilinear, 7, 5, 32, 23, bgr: true),
        ]),
        new("preprocess, antialiased",
        [
            Case(Antialiased, 1, 1, 32, 32, bgr: false),
            Case(Antialiased, 50, 1, 1, 13, bgr: false),
            Case(Antialiased, 31, 17, 64, 35, bgr: false),
            Case(Antialiased, 40, 60, 20, 30, bgr: true),
            Case(Antialiased, 150, 130, 7, 64, bgr: true),
            Case(Antialiased, 13, 90, 13, 41, bgr: true),
        ]),
    ];

    private delegate void Run(
        Device device, ArrayView<byte> pixels, ResizedPicture picture, ChannelScaling channels, int n, Tensor output);

    private static (Run Run, Func<float[], Shape4, int, int, float[]> Reference) Bilinear => (Preprocess.Run,
        (levels, shape, h, w) => BilinearResizeReference.Run(levels, shape, h, w));

    private static (Run Run, Func<float[], Shape4, int, int, float[]> Reference) Antialiased
        => (AntialiasedPreprocess.Run, AntialiasedResizeReference.Run);

    private static VerificationCase Case(
        (Run Run, Func<float[], Shape4, int, int, float[]> Reference) way, int h, int w, int resizedH, int resizedW, bool bgr)
        => new($"{h}×{w} px to {resizedH}×{resizedW}{(bgr ? ", BGR" : "")}", (device, findings)
        =>
        {
            var bytes = new byte[h * w * 3];
            new Random(1).NextBytes(bytes);
            var padded = new Shape4(2, 64, 64, 3);
            using var pixels = device.Upload<byte>(bytes);
            // The operator must not write to the first picture of the batch.
            var values = CaseValues.Unwritten(padded.Count);
            values.AsSpan(0, padded.Count / 2).Clear();
            using var output = Tensor.Upload(device, new Shape(padded.N, padded.H, padded.W, padded.C), values);
            var scaling = new ChannelScaling(
                1f / 255 / Std[0], 1f / 255 / Std[1], 1f / 255 / Std[2], -Mean[0] / Std[0], -Mean[1] / Std[1], -Mean[2] / Std[2],
                bgr ? 1 : 0);
            way.Run(device, pixels.View, new ResizedPicture(h, w, resizedH, resizedW), scaling, n: 1, output);

            var levels = way.Reference([.. bytes.Select(b => (float)b)], new Shape4(1, h, w, 3), resizedH, resizedW);
            var resized = NormaliseReference.Run(levels, 1f / 255, Mean, Std, bgr);
            var (small, expected) = (new Shape4(1, resizedH, resizedW, 3), new float[padded.Count]);
            foreach (var (_, y, x, c) in small.Elements())
                expected[padded.At(1, y, x, c)] = resized[small.At(0, y, x, c)];
            findings.Close(output.ToArray(), expected, 2e-5, 1e-5, padded.ToArray());
        });
}
