using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Gradients of batch norm and group norm.</summary>
internal sealed class NormGradientTests(string deviceId) : OperatorGradientTests(deviceId)
{
    [TestCase(1, 2, 1, 3, true)]
    [TestCase(2, 3, 5, 17, true)]
    [TestCase(1, 19, 15, 2, true)]
    [TestCase(2, 3, 5, 17, false)]
    public void Batch_norm_agrees_with_central_differences(int n, int h, int w, int c, bool live)
    {
        var shape = new Shape(n, h, w, c);
        var values = CaseValues.Uniform((int)shape.Length, 11, 1, 4);
        var (gammas, betas, weights) = (
            CaseValues.Uniform(c, 12, 0.5f, 2), CaseValues.Uniform(c, 13), CaseValues.Uniform(values.Length, 14));
        var (means, variances) = (CaseValues.Uniform(c, 15, 1, 3), CaseValues.Uniform(c, 16, 0.5f, 2));
        using var input = Tensor.Upload(Device, shape, values);
        using var outputGradient = Tensor.Upload(Device, shape, weights);
        using var gamma = Device.Upload<float>(gammas);
        using var beta = Device.Upload<float>(betas);
        using var mean = Device.Upload<float>(means);
        using var variance = Device.Upload<float>(variances);
        using var usedMean = Device.Rent<float>(c);
        using var usedFactor = Device.Rent<float>(c);
        using var output = Tensor.Rent(Device, shape);
        using var gammaGradient = Device.Rent<float>(c);
        using var betaGradient = Device.Rent<float>(c);
        var (affine, running) = (new BatchNorm.Affine(gamma.View, beta.View), new BatchNorm.Running(mean.View, variance.View));
        var used = new BatchNorm.Used(usedMean.View, usedFactor.View);
        if (live)
            BatchNorm.Live(Device, input, affine, running, 1e-5f, 0.1f, Activation.None, used, output);
        else
            BatchNorm.Frozen(Device, input, affine, running, 1e-5f, Activation.None, used, output);
        using var inputGradient = Tensor.Rent(Device, shape);
        BatchNormBackward.Run(
            Device, input, outputGradient, gamma.View, used, live, new BatchNorm.Affine(gammaGradient.View, betaGradient.View),
            inputGradient);
        Check(inputGradient.ToArray(), CentralDifferences.Of(values, 1e-4, x => Loss(x, Double(gammas), Double(betas))));
        Check(gammaGradient.Download(), CentralDifferences.Of(gammas, 1e-4, g => Loss(Double(values), g, Double(betas))));
        Check(betaGradient.Download(), CentralDifferences.Of(betas, 1e-4, b => Loss(Double(values), Double(gammas), b)));

        double Loss(double[] x, double[] g, double[] b)
        {
            var loss = 0.0;
            for (var k = 0; k < c; k++)
            {
                double[] own = [.. x.Where((_, i) => i % c == k)];
                var mu = live ? own.Average() : means[k];
                var sigma = Math.Sqrt((live ? own.Average(v => (v - mu) * (v - mu)) : variances[k]) + 1e-5);
                for (var i = 0; i < own.Length; i++)
                    loss += weights[i * c + k] * (g[k] * (own[i] - mu) / sigma + b[k]);
            }
            return loss;
        }
    }

    [TestCase(1, 2, 1, 4, 2)]
    [TestCase(2, 3, 5, 6, 3)]
    [TestCase(2, 5, 4, 17, 1)]
    [TestCase(1, 19, 15, 4, 2)]
    public void Group_norm(int n, int h, int w, int c, int groups)
    {
        var shape = new Shape(n, h, w, c);
        var values = CaseValues.Uniform((int)shape.Length, 11, 1, 4);
        var (gammas, betas, weights) = (
            CaseValues.Uniform(c, 12, 0.5f, 2), CaseValues.Uniform(c, 13), CaseValues.Uniform(values.Length, 14));
        using var input = Tensor.Upload(Device, shape, values);
        using var gradient = Tensor.Upload(Device, shape, weights);
        using var gamma = Device.Upload<float>(gammas);
        using var beta = Device.Upload<float>(betas);
        using var usedMean = Device.Rent<float>(n * c);
        using var usedFactor = Device.Rent<float>(n * c);
        using var output = Tensor.Rent(Device, shape);
        using var gammaGradient = Device.Rent<float>(c);
        using var betaGradient = Device.Rent<float>(c);
        var used = new BatchNorm.Used(usedMean.View, usedFactor.View);
        GroupNorm.Run(Device, input, gamma.View, beta.View, groups, 1e-5f, Activation.None, output, used);
        GroupNormBackward.Run(
            Device, input, gradient, gamma.View, groups, used, false, new GroupNorm.Affine(gammaGradient.View, betaGradient.View), gradient);
        Check(gradient.ToArray(), CentralDifferences.Of(values, 1e-4, x => Loss(x, Double(gammas), Double(betas))));
        Check(gammaGradient.Download(), CentralDifferences.Of(gammas, 1e-4, g => Loss(Double(values), g, Double(betas))));
        Check(betaGradient.Download(), CentralDifferences.Of(betas, 1e-4, b => Loss(Double(values), Double(gammas), b)));

        double Loss(double[] x, double[] g, double[] b)
        {
            var loss = 0.0;
            foreach (var own in Enumerable.Range(0, x.Length).GroupBy(i => (i / (h * w * c), i % c / (c / groups))))
            {
                var mu = own.Average(i => x[i]);
                var sigma = Math.Sqrt(own.Average(i => (x[i] - mu) * (x[i] - mu)) + 1e-5);
                loss += own.Sum(i => weights[i] * (g[i % c] * (x[i] - mu) / sigma + b[i % c]));
            }
            return loss;
        }
    }
}
