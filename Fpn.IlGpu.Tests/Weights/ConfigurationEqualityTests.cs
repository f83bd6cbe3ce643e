using System.Reflection;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Configurations compare by value, and nobody can change them behind someone's back.</summary>
internal sealed class ConfigurationEqualityTests
{
    [Test]
    public void Configurations_of_the_same_values_are_equal()
    {
        var configuration = new ModelConfiguration { Classes = ["background", "cat"], ImagePyramid = [320, 640] };
        var read = ModelConfiguration.Parse(configuration.ToJson());
        Assert.That(read, Is.EqualTo(configuration));
        Assert.That(read.GetHashCode(), Is.EqualTo(configuration.GetHashCode()));
        foreach (var other in new[]
        {
            configuration with { Classes = ["background", "dog"] }, configuration with { Classes = null }, configuration with { ImagePyramid = [320] },
            configuration with { AnchorSizes = [[32], [64], [128], [256], [511]] }, configuration with { Std = [1, 1, 1] },
        })
        {
            Assert.That(other == configuration, Is.False);
        }
    }

    [Test]
    public void A_list_copies_what_it_is_made_of()
    {
        float[] mean = [1, 2, 3];
        var configuration = new ModelConfiguration { Mean = mean };
        mean[0] = 9;
        Assert.That(configuration.Mean, Is.EqualTo(new float[] { 1, 2, 3 }));
        Assert.That(configuration.Mean.ToString(), Is.EqualTo("[1, 2, 3]"));
        Assert.That((configuration.Mean == new float[] { 1, 2, 3 }, configuration.Mean != null, (ValueList<float>?)null == null), Is.EqualTo((true, true, true)));
    }

    [Test]
    public void No_property_of_a_models_configuration_can_be_changed_in_place()
    {
        var types = typeof(ModelConfiguration).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.PropertyType);
        Assert.That(types.Where(type => type.IsArray || type.GetInterfaces().Contains(typeof(System.Collections.IList))), Is.Empty);
    }

    [Test]
    public void All_exceptions_of_the_library_have_one_base()
    {
        var exceptions = typeof(Detector).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(Exception)) && !type.IsAbstract).ToList();
        Assert.That(exceptions, Has.Count.EqualTo(5));
        Assert.That(exceptions.Where(type => !type.IsSubclassOf(typeof(FpnException))), Is.Empty);
    }
}
